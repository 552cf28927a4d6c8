import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithCeph } from '../../ceph/cluster/describe.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { copies, createImage, image } from '../../cloud/records.ts';
import { CephCloud, STORE_IDS, sha256OfFile } from './ceph-cloud.ts';
import { type FormatSample, makeSamples } from './format-samples.ts';

/** On two processors more of them at once only wait for each other. */
const AT_ONCE = 3;

/** Data is told from holes by blocks of this size. */
const BLOCK_BYTES = 64 * 1024;

interface Extent {
  readonly offset: number;
  readonly length: number;
}

await describeWithCeph('imports into real clusters', () => {
  let ceph: CephCloud;
  let cloud: Cloud;
  let samples: readonly FormatSample[];
  /** Of what was brought in, by the name of the file. */
  const ids = new Map<string, string>();

  beforeAll(async () => {
    ceph = await CephCloud.start();
    ({ cloud } = ceph);
    const folder = join(cloud.folder, 'samples');
    await mkdir(folder);
    samples = await makeSamples(folder);
  }, 120_000);

  afterAll(async () => {
    await ceph?.[Symbol.asyncDispose]();
  });

  const staged = () => STORE_IDS.map((id) => readdirSync(join(cloud.folder, 'credentials', `staging-${id}`)));

  /** What the cluster says that it holds of an image, in whole blocks. */
  async function extents(storeId: string, name: string): Promise<Extent[]> {
    const held = await ceph.cluster(storeId).rbd(['diff', `images/${name}`, '--format', 'json']);
    return (JSON.parse(held) as Extent[]).map(({ offset, length }) => ({
      offset,
      length: Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES,
    }));
  }

  /** The same after Ceph's own tool has brought the raw file in. */
  async function extentsOfImport(path: string): Promise<Extent[]> {
    const name = `import-${basename(path)}`;
    const cluster = ceph.cluster('dcn1');
    await cluster.rbd(['import', '--no-progress', path, `images/${name}`]);
    const held = await extents('dcn1', name);
    await cluster.rbd(['rm', '--no-progress', `images/${name}`]);
    return held;
  }

  async function bringIn({ path, options, ...sample }: FormatSample): Promise<void> {
    const name = basename(path);
    const id = await createImage(cloud, path, ...options);
    ids.set(name, id);
    const raw = await readFile(sample.rawPath);
    expect(await ceph.sha256('central', id), name).toBe(createHash('sha256').update(raw).digest('hex'));
    expect(await image(cloud, id), name).toMatchObject({
      status: 'active',
      disk_format: sample.diskFormat,
      container_format: sample.containerFormat,
      size_bytes: raw.length,
      checksum: createHash('md5').update(raw).digest('hex'),
      os_hash_algo: 'sha512',
      os_hash_value: createHash('sha512').update(raw).digest('hex'),
      properties: sample.properties,
      copies: [{ store_id: 'central', state: 'present' }],
    });
  }

  test('every format becomes what qemu-img makes of it, and leaves nothing else behind', async () => {
    const waiting = [...samples];
    const workers = Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await bringIn(next);
    });
    await Promise.all(workers);
    expect(ids.size).toBe(samples.length);
    expect((await ceph.pool('central')).sort()).toEqual([...ids.values()].sort());
    expect(staged()).toEqual([[], [], []]);
  }, 240_000);

  test('what is a hole in the disk takes no room in the pool', async () => {
    const raws = new Map(samples.map(({ path, rawPath }) => [basename(path), rawPath]));
    const known = new Map<string, Extent[]>();
    for (const [name, id] of ids) {
      const rawPath = raws.get(name) ?? '';
      const content = await sha256OfFile(rawPath);
      const expected = known.get(content) ?? (await extentsOfImport(rawPath));
      known.set(content, expected);
      expect(await extents('central', `${id}@snap`), name).toEqual(expected);
    }
    // The disk that most of them are has 20 MiB of holes, of which two objects have nothing else.
    const [disk] = samples;
    const held = known.get(await sha256OfFile(disk?.rawPath ?? '')) ?? [];
    expect(held.map(({ offset }) => offset / 2 ** 20)).toEqual([0, 4, 12, 20]);
  }, 60_000);

  test('a converted image goes to every edge as any other does', async () => {
    const sample = samples.find(({ path }) => path.endsWith('stream.vmdk'));
    if (sample === undefined) throw new Error('no sample');
    const id = await createImage(cloud, sample.path, '--all-stores');
    expect(await copies(cloud, id)).toBe('central=present dcn0=present dcn1=present');
    const expected = await sha256OfFile(sample.rawPath);
    for (const storeId of STORE_IDS) expect(await ceph.sha256(storeId, id), storeId).toBe(expected);
    expect(await extents('dcn0', `${id}@snap`)).toEqual(await extents('central', `${id}@snap`));
    expect(staged()).toEqual([[], [], []]);
  }, 60_000);
});
