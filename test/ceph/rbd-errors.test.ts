import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { RbdStore, type RbdStoreOptions } from '../../src/store/rbd/rbd-store.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { refusal, useCluster } from './rbd-fixture.ts';

const TEST_TIMEOUT_MS = 60_000;

await describeWithCeph('rbd store that cannot be opened', () => {
  const fixture = useCluster();

  async function start(options: Partial<RbdStoreOptions>): Promise<void> {
    const { confPath, pool } = fixture().cluster;
    const store = new RbdStore({ confPath, clientId: 'images', pool, timeoutMs: 5_000, ...options });
    await store.start();
    await store[Symbol.asyncDispose]();
  }

  it('names a pool that is not there, and how to make it', { timeout: TEST_TIMEOUT_MS }, async () => {
    const error = await refusal(start({ pool: 'imagse' }), 'INVALID');
    expect(error.message).toBe(`pool 'imagse' is not in cluster ${fixture().cluster.fsid}`);
    expect(error.hint).toContain('ceph osd pool create imagse');
  });

  it('names a configuration that is not there', { timeout: TEST_TIMEOUT_MS }, async () => {
    const error = await refusal(start({ confPath: '/nowhere/ceph.conf' }), 'INVALID');
    expect(error.message).toContain('/nowhere/ceph.conf');
  });

  it('says that the key is missing, or wrong', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { cluster } = fixture();
    expect((await refusal(start({ clientId: 'glance' }), 'INVALID')).message).toContain('client.glance');
    const folder = await mkdtemp(path.join(tmpdir(), 'entrepot-keyring-'));
    try {
      const keyringPath = path.join(folder, 'keyring');
      expect((await refusal(start({ keyringPath }), 'INVALID')).message).toContain(keyringPath);
      await writeFile(keyringPath, '[client.images]\nkey = AQBSdFVkAAAAABAAOXJ8gCtbU8dLBBOr8mPnkA==\n');
      const wrong = await refusal(start({ keyringPath }), 'INVALID');
      expect(wrong.message).toContain('does not accept the key of client.images');
      // And the right one from another place.
      await cluster.ceph(['auth', 'get', 'client.images', '-o', keyringPath]);
      await start({ keyringPath });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('names the rights it needs when it has too few', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { cluster } = fixture();
    await cluster.ceph(['osd', 'pool', 'create', 'others', '8']);
    const error = await refusal(start({ pool: 'others' }), 'INVALID');
    expect(error.message).toContain('client.images lacks the rights');
    expect(error.hint).toContain("osd 'profile rbd pool=others'");
  });

  it('refuses everything before it is started and after it is closed', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { confPath, pool } = fixture().cluster;
    const store = new RbdStore({ confPath, clientId: 'images', pool, timeoutMs: 5_000 });
    await refusal(store.list(), 'UNAVAILABLE');
    await store.start();
    await store.start();
    expect(await store.list()).toEqual([]);
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await refusal(store.identity(), 'UNAVAILABLE');
    await refusal(store.list(), 'UNAVAILABLE');
    // As a new client.
    await store.start();
    expect(await store.list()).toEqual([]);
    await store[Symbol.asyncDispose]();
  });
});
