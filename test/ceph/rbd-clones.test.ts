import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { CephConnection } from '../../src/store/rbd/connection.ts';
import { ImageHandle } from '../../src/store/rbd/image-handle.ts';
import { LifeCycle } from '../../src/store/rbd/life-cycle.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { expectWhole, formOf, makeWhole, refusal, useCluster } from './rbd-fixture.ts';

const TEST_TIMEOUT_MS = 60_000;
/** Old clones are noted in their pool and hinder unprotecting; new ones are noted at the parent and do not. */
const KINDS = [
  ['old', '1'],
  ['new', '2'],
] as const;

await describeWithCeph('rbd store and clones', () => {
  const fixture = useCluster();

  // Cinder's pool: nothing in it is client.images' business.
  beforeAll(async () => {
    const { cluster } = fixture();
    await cluster.ceph(['osd', 'pool', 'create', 'volumes', '8']);
    await cluster.rbd(['pool', 'init', 'volumes']);
  });

  async function clone(parent: string, child: string, format: string): Promise<void> {
    await fixture().cluster.rbd([
      'clone',
      '--rbd-default-clone-format',
      format,
      `images/${parent}@snap`,
      child,
    ]);
  }

  async function isProtected(imageId: string): Promise<boolean> {
    const text = await fixture().cluster.rbd(['snap', 'ls', '--format', 'json', `images/${imageId}`]);
    const snapshots = JSON.parse(text) as { name: string; protected: string }[];
    return snapshots.some(({ name, protected: is }) => name === 'snap' && is === 'true');
  }

  describe.each(KINDS)('of the %s kind', (_kind, format) => {
    it('are named with their pool', { timeout: TEST_TIMEOUT_MS }, async () => {
      const { store, cluster } = fixture();
      const imageId = randomUUID();
      const child = `images/clone-${randomUUID()}`;
      await makeWhole(store, imageId);
      await clone(imageId, child, format);
      expect(await store.children(imageId)).toEqual([child]);
      expect((await refusal(store.remove(imageId), 'IN_USE')).message).toContain(child);
      await expectWhole(store, imageId);
      expect(await isProtected(imageId)).toBe(true);
      await cluster.rbd(['rm', '--no-progress', child]);
      await store.remove(imageId);
      expect(await formOf(store, imageId)).toBeUndefined();
    });

    it('in a pool that may not be read are named by their id, and hinder', {
      timeout: TEST_TIMEOUT_MS,
    }, async () => {
      const { store, cluster } = fixture();
      const imageId = randomUUID();
      const child = `volumes/volume-${randomUUID()}`;
      await makeWhole(store, imageId);
      await clone(imageId, child, format);
      const { id } = JSON.parse(await cluster.rbd(['info', '--format', 'json', child])) as { id: string };
      expect(await store.children(imageId)).toEqual([`volumes/id:${id}`]);
      await refusal(store.remove(imageId), 'IN_USE');
      expect(await isProtected(imageId)).toBe(true);
      await cluster.rbd(['flatten', '--no-progress', child]);
      expect(await store.children(imageId)).toEqual([]);
      await store.remove(imageId);
    });

    it('made while the image is being removed undo that', { timeout: TEST_TIMEOUT_MS }, async () => {
      const { store, cluster } = fixture();
      const { confPath, pool } = cluster;
      const imageId = randomUUID();
      const child = `volumes/volume-${randomUUID()}`;
      await makeWhole(store, imageId);
      const connection = new CephConnection({ confPath, pool, clientId: 'images', timeoutMs: 20_000 });
      await connection.connect();
      const lifeCycle = new LifeCycle(connection);
      const rename = lifeCycle.names.rename.bind(lifeCycle.names);
      let renames = 0;
      lifeCycle.names.rename = async (id, from, to) => {
        await rename(id, from, to);
        renames += 1;
        // Its maker had opened the parent by the name it had a moment ago.
        if (renames === 1) await clone(to, child, format);
      };
      await refusal(lifeCycle.remove(imageId), 'IN_USE');
      await connection.close();
      expect(renames).toBe(2);
      await expectWhole(store, imageId);
      expect(await isProtected(imageId)).toBe(true);
      await cluster.rbd(['rm', '--no-progress', child]);
      await store.remove(imageId);
    });

    it('keep a removal that was cut from being finished', { timeout: TEST_TIMEOUT_MS }, async () => {
      const { store, cluster } = fixture();
      const imageId = randomUUID();
      const child = `images/clone-${randomUUID()}`;
      await makeWhole(store, imageId);
      await cluster.rbd(['rename', `images/${imageId}`, `images/entrepot.partial.${imageId}`]);
      await clone(`entrepot.partial.${imageId}`, child, format);
      expect((await refusal(store.discard(imageId), 'IN_USE')).message).toContain(child);
      await refusal(store.openPartial(imageId, 12 * 1024 * 1024), 'IN_USE');
      await store.publish(imageId);
      await expectWhole(store, imageId);
      expect(await store.children(imageId)).toEqual([child]);
    });
  });

  it('count while they are in the trash', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    const child = `images/clone-${randomUUID()}`;
    await makeWhole(store, imageId);
    await clone(imageId, child, '2');
    await cluster.rbd(['trash', 'mv', child]);
    expect(await store.children(imageId)).toEqual([expect.stringMatching(/^images\/id:/)]);
    await refusal(store.remove(imageId), 'IN_USE');
  });

  it('are not all: snapshots of others hinder too', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await makeWhole(store, imageId);
    await cluster.rbd(['snap', 'create', '--no-progress', `images/${imageId}@backup`]);
    expect((await refusal(store.remove(imageId), 'IN_USE')).message).toContain('backup');
    await expectWhole(store, imageId);
    expect(await isProtected(imageId)).toBe(true);
    await cluster.rbd(['snap', 'rm', '--no-progress', `images/${imageId}@backup`]);
    await store.remove(imageId);
  });

  it('are not all: what is open elsewhere is not removed either', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, open } = fixture();
    const imageId = randomUUID();
    await makeWhole(store, imageId);
    // As somebody who has it open for writing, or mapped.
    await using other = await open();
    const connection = new CephConnection({
      confPath: fixture().cluster.confPath,
      clientId: 'images',
      pool: 'images',
      timeoutMs: 20_000,
    });
    await connection.connect();
    const { whole: id = '' } = await new LifeCycle(connection).names.find(imageId);
    const handle = await ImageHandle.open(connection, { imageId, id, access: 'write' });
    const error = await refusal(other.remove(imageId), 'IN_USE');
    expect(error.message).toMatch(/is open at 127\.0\.0\.1/);
    await handle?.[Symbol.asyncDispose]();
    await connection.close();
    await expectWhole(store, imageId);

    const reader = await store.openWhole(imageId);
    await refusal(store.remove(imageId), 'IN_USE');
    await reader[Symbol.asyncDispose]();
    await store.remove(imageId);
  });
});
