import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { copies, createImage, image, type ShownJob } from '../../cloud/records.ts';
import { writeSampleImage } from '../../cloud/sample-image.ts';
import { leaksInFolder, leaksInProcesses, leaksInText, secretsIn } from '../../cloud/secrets.ts';
import { waitFor } from '../../cloud/wait.ts';
import { CephCloud, STORE_IDS, sha256OfFile } from './ceph-cloud.ts';

const MIB = 1024 * 1024;

await describeWithCeph('the main job on three real clusters', () => {
  let ceph: CephCloud;
  let cloud: Cloud;
  let file: string;
  let sha256: string;

  beforeAll(async () => {
    ceph = await CephCloud.start();
    ({ cloud } = ceph);
    file = join(cloud.folder, 'sample.raw');
    // An odd size: the last chunk is short, and not a multiple of a sector.
    await writeSampleImage(file, { sizeBytes: 96 * MIB + 12_345, dataBytes: 24 * MIB });
    sha256 = await sha256OfFile(file);
  }, 120_000);

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
  });

  test('brought to central, copied to two edges, downloaded: the bytes are the same everywhere', async () => {
    const id = await createImage(cloud, file);
    expect(await copies(cloud, id)).toBe('central=present');
    const { exitCode } = await cloud.cli('image', 'copy', id, '--stores', 'dcn0,dcn1', '--wait');
    expect(exitCode).toBe(0);
    expect(await copies(cloud, id)).toBe('central=present dcn0=present dcn1=present');
    for (const storeId of STORE_IDS) {
      expect(await ceph.sha256(storeId, id)).toBe(sha256);
      expect(await ceph.pool(storeId)).toContain(id);
      const snapshots = await ceph.cluster(storeId).rbd(['snap', 'ls', `images/${id}`, '--format', 'json']);
      expect(JSON.parse(snapshots)).toMatchObject([{ name: 'snap', protected: 'true' }]);
    }
    const shown = await image(cloud, id);
    const bytes = await readFile(file);
    expect(shown).toMatchObject({
      status: 'active',
      size_bytes: bytes.length,
      checksum: createHash('md5').update(bytes).digest('hex'),
      os_hash_value: createHash('sha512').update(bytes).digest('hex'),
    });
    for (const copy of shown.copies) expect(copy.verified_root).toBe(shown.root);
    const locations = await cloud.json<{ url: string; store_id: string }[]>('image', 'locations', id);
    expect(locations.map(({ url }) => url)).toEqual(
      STORE_IDS.map((storeId) => `rbd://${ceph.cluster(storeId).fsid}/images/${id}/snap`),
    );

    const target = join(cloud.folder, 'download.raw');
    expect((await cloud.cli('image', 'download', id, '--file', target)).exitCode).toBe(0);
    expect(await sha256OfFile(target)).toBe(sha256);
    expect((await stat(target)).blocks).toBeLessThanOrEqual((await stat(file)).blocks + 4096);
  });

  test('a copy takes no more of the pool than its source: holes are not written', async () => {
    const id = await createImage(cloud, file, '--stores', 'dcn0');
    const used = async (storeId: string) => {
      const out = await ceph
        .cluster(storeId)
        .rbd(['diff', '--whole-object', `images/${id}@snap`, '--format', 'json']);
      return (JSON.parse(out) as { length: number }[]).reduce((sum, { length }) => sum + length, 0);
    };
    const central = await used('central');
    expect(central).toBeLessThanOrEqual(40 * MIB);
    expect(await used('dcn0')).toBeLessThanOrEqual(central);
  });

  test('what is refused is refused whole, and changes nothing', async () => {
    const id = await createImage(cloud, file, '--stores', 'dcn0');
    const jobsBefore = await cloud.json<ShownJob[]>('job', 'list', '--all', '--image', id);
    const there = await cloud.cli('image', 'copy', id, '--stores', 'dcn0,dcn1');
    expect(there).toMatchObject({ stdout: '' });
    expect(there.stderr).toMatch(/already at dcn0/);
    const unknown = await cloud.cli('image', 'copy', id, '--stores', 'dcn1,mars');
    expect(unknown.stderr).toMatch(/no store is named mars/);
    expect(unknown.exitCode).not.toBe(0);
    expect(there.exitCode).not.toBe(0);
    expect(await copies(cloud, id)).toBe('central=present dcn0=present');
    expect(await cloud.json<ShownJob[]>('job', 'list', '--all', '--image', id)).toEqual(jobsBefore);

    // All stores: those that lack it; then none does, and that is fine.
    expect((await cloud.cli('image', 'copy', id, '--all-stores', '--wait')).exitCode).toBe(0);
    expect(await copies(cloud, id)).toBe('central=present dcn0=present dcn1=present');
    const again = await cloud.cli('image', 'copy', id, '--all-stores', '--wait');
    expect(again).toMatchObject({ exitCode: 0 });
  });

  test('ten requests at once all end well, and copy once', async () => {
    const id = await createImage(cloud, file);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        cloud.cli('image', 'copy', id, '--stores', n % 2 === 0 ? 'dcn0,dcn1' : 'dcn0', '--wait'),
      ),
    );
    // One that came when the copy was there already is told so (R4); none is refused for being early.
    for (const { exitCode, stderr } of results) {
      if (exitCode !== 0) expect(stderr).toMatch(/already at/);
    }
    expect(await copies(cloud, id)).toContain('dcn0=present');
    const done = cloud.hub
      .log()
      .split('\n')
      .filter((line) => line.includes(id) && line.includes('copy at dcn0 is done'));
    expect(done).toHaveLength(1);
  }, 60_000);

  test('delete-copy refuses the last, the central one while an edge has it, and one with a clone', async () => {
    const id = await createImage(cloud, file, '--stores', 'dcn0');
    const central = await cloud.cli('image', 'delete-copy', id, '--store', 'central');
    expect(central.stderr).toMatch(/central copy .* stays while dcn0 holds one/);
    expect((await cloud.cli('image', 'delete-copy', id, '--store', 'dcn1')).stderr).toMatch(/holds no copy/);

    const cluster = ceph.cluster('dcn0');
    await cluster.rbd(['clone', `images/${id}@snap`, `images/vm-${id}`]);
    const cloned = await cloud.cli('image', 'delete-copy', id, '--store', 'dcn0');
    expect(cloned.stderr).toContain(`images/vm-${id}`);
    const whole = await cloud.cli('image', 'delete', id);
    expect(whole.stderr).toContain(`images/vm-${id}`);
    expect(new Set([central, cloned, whole].map((one) => one.exitCode)).has(0)).toBe(false);
    expect(await copies(cloud, id)).toBe('central=present dcn0=present');
    expect(await ceph.sha256('dcn0', id)).toBe(sha256);

    await cluster.rbd(['rm', '--no-progress', `images/vm-${id}`]);
    expect((await cloud.cli('image', 'delete-copy', id, '--store', 'dcn0', '--wait')).exitCode).toBe(0);
    expect(await ceph.pool('dcn0')).not.toContain(id);
    const last = await cloud.cli('image', 'delete-copy', id, '--store', 'central');
    expect(last.stderr).toMatch(/last copy/);

    expect((await cloud.cli('image', 'delete', id, '--wait')).exitCode).toBe(0);
    expect(await ceph.pool('central')).not.toContain(id);
    expect((await cloud.cli('image', 'show', id)).stderr).toMatch(/not in the catalogue/);
  }, 60_000);

  test('an image that enters at an edge goes to central by itself, and counts from then on', async () => {
    const id = await createImage(cloud, file, '--store', 'dcn1');
    expect(await copies(cloud, id)).toBe('central=present dcn1=present');
    expect(await ceph.sha256('central', id)).toBe(sha256);
    expect(await ceph.sha256('dcn1', id)).toBe(sha256);
  });

  test('delete reaches a site when it is back, and readers do not see the image meanwhile', async () => {
    const id = await createImage(cloud, file, '--stores', 'dcn0,dcn1');
    await cloud.agent('dcn1').kill('SIGKILL');
    await waitFor('dcn1 to be away', async () => {
      const stores = await cloud.json<{ id: string; online: boolean }[]>('store', 'list');
      return stores.some((store) => store.id === 'dcn1' && !store.online);
    });
    expect((await cloud.cli('image', 'delete', id)).exitCode).toBe(0);
    await waitFor('central to be rid of it', async () => !(await ceph.pool('central')).includes(id));
    expect(await ceph.pool('dcn1')).toContain(id);
    expect((await cloud.cli('image', 'show', id)).stderr).toMatch(/not in the catalogue/);
    await cloud.agent('dcn1').start();
    await waitFor('dcn1 to be rid of it', async () => !(await ceph.pool('dcn1')).includes(id));
  }, 60_000);

  test('an image lost from a pool is found out when its agent attaches, and can be copied again', async () => {
    const id = await createImage(cloud, file, '--stores', 'dcn0');
    await cloud.agent('dcn0').stop();
    const cluster = ceph.cluster('dcn0');
    await cluster.rbd(['snap', 'unprotect', `images/${id}@snap`]);
    await cluster.rbd(['snap', 'purge', '--no-progress', `images/${id}`]);
    await cluster.rbd(['rm', '--no-progress', `images/${id}`]);
    await cloud.agent('dcn0').start();
    expect(await copies(cloud, id)).toBe('central=present dcn0=lost');
    expect((await cloud.cli('image', 'copy', id, '--stores', 'dcn0', '--wait')).exitCode).toBe(0);
    expect(await ceph.sha256('dcn0', id)).toBe(sha256);
  }, 60_000);

  test('no key of a cluster is in what the daemons logged, measured or keep', async () => {
    const keyrings = STORE_IDS.map((id) =>
      join(dirname(ceph.cluster(id).confPath), 'ceph.client.images.keyring'),
    );
    const keys = secretsIn(keyrings);
    expect(keys.size).toBe(STORE_IDS.length);
    for (const daemon of [cloud.hub, ...STORE_IDS.map((id) => cloud.agent(id))]) {
      const { name } = daemon.options;
      expect(daemon.log()).not.toBe('');
      expect(leaksInText(name, daemon.log(), keys)).toEqual([]);
      expect(leaksInText(name, await daemon.metrics(), keys)).toEqual([]);
    }
    expect(leaksInFolder(cloud.folder, keys, new Set())).toEqual([]);
    expect(leaksInProcesses(keys)).toEqual([]);
  });
});
