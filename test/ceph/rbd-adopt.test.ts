import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { CephConnection } from '../../src/store/rbd/connection.ts';
import { findId } from '../../src/store/rbd/foreign.ts';
import { mark } from '../../src/store/rbd/header-metadata.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { dropSnapshotMap, expectSoundMap, MIB, refusal, useCluster } from './rbd-fixture.ts';
import { Script } from './script.ts';

const TEST_TIMEOUT_MS = 60_000;
/** The OSDs miss a dead client after 30 s; nothing of ours may wait for that. */
const PROMPT_MS = 8_000;

await describeWithCeph('rbd store and images of others', () => {
  const fixture = useCluster();
  const data = randomBytes(9 * MIB);
  const inImages = (image: string) => ({ pool: 'images', image });

  // `volumes` may not be read by client.images.
  beforeAll(async () => {
    const { cluster } = fixture();
    await cluster.ceph(['osd', 'pool', 'create', 'volumes', '8']);
    await cluster.rbd(['pool', 'init', 'volumes']);
  });

  async function importImage(name: string, ...options: string[]): Promise<void> {
    await fixture().cluster.rbd(['import', '--no-progress', ...options, '-', name], { input: data });
  }

  async function expectAdopted(imageId: string): Promise<void> {
    const { store } = fixture();
    expect(await store.list()).toContainEqual({ imageId, form: 'whole', sizeBytes: data.length });
    await using whole = await store.openWhole(imageId);
    const target = Buffer.alloc(data.length);
    await whole.read(0, target);
    expect(target.equals(data)).toBe(true);
  }

  it('takes a snapshot `snap` that is there as it is, protected or not, clones or not', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await importImage(`images/${imageId}`);
    await cluster.rbd(['snap', 'create', '--no-progress', `images/${imageId}@snap`]);
    // What came after the snapshot is not the image.
    await cluster.rbd(['resize', '--no-progress', '--size', '24M', `images/${imageId}`]);
    expect((await store.list()).some((image) => image.imageId === imageId)).toBe(false);
    await refusal(store.openWhole(imageId), 'NOT_FOUND');
    expect(await store.adoption.examine(inImages(imageId))).toMatchObject({
      sizeBytes: data.length,
      hasSnap: true,
      snapProtected: false,
    });
    await store.adoption.adopt(inImages(imageId), imageId, { move: false });
    await expectAdopted(imageId);

    const child = `images/clone-${randomUUID()}`;
    await cluster.rbd(['clone', `images/${imageId}@snap`, child]);
    await store.adoption.adopt(inImages(imageId), imageId, { move: false });
    expect(await store.children(imageId)).toEqual([child]);
  });

  it.each([
    ['without features', ['--image-feature', 'layering']],
    ['of large objects', ['--object-size', '8M']],
    ['in stripes', ['--stripe-unit', '65536', '--stripe-count', '4']],
  ])('adopts images %s', { timeout: TEST_TIMEOUT_MS }, async (_which, options) => {
    const { store } = fixture();
    const imageId = randomUUID();
    await importImage(`images/base-${imageId}`, ...options);
    await store.adoption.adopt(inImages(`base-${imageId}`), imageId, { move: true });
    await expectAdopted(imageId);
    await store.remove(imageId);
  });

  it('adopts an image whose object map is not valid', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await importImage(`images/${imageId}`);
    const info = await cluster.rbd(['info', '--format', 'json', `images/${imageId}`]);
    const { id } = JSON.parse(info) as { id: string };
    await cluster.rados(['-p', 'images', 'rm', `rbd_object_map.${id}`]);
    await store.adoption.adopt(inImages(imageId), imageId, { move: false });
    await expectAdopted(imageId);
  });

  it.each(['not protected', 'protected'])(
    'adopts an image whose snapshot, %s, has no object map',
    {
      timeout: TEST_TIMEOUT_MS,
    },
    async (which) => {
      const { store, cluster } = fixture();
      const imageId = randomUUID();
      await importImage(`images/${imageId}`);
      await cluster.rbd(['snap', 'create', '--no-progress', `images/${imageId}@snap`]);
      if (which === 'protected') await cluster.rbd(['snap', 'protect', `images/${imageId}@snap`]);
      await dropSnapshotMap(cluster, `images/${imageId}`);
      await store.adoption.adopt(inImages(imageId), imageId, { move: false });
      await expectAdopted(imageId);
      await expectSoundMap(cluster, `images/${imageId}@snap`);
    },
  );

  it('leaves a clone for copying, naming its parent, also once it is flattened', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const [parent, child] = [randomUUID(), `clone-${randomUUID()}`];
    await importImage(`images/${parent}`);
    await store.adoption.adopt(inImages(parent), parent, { move: false });
    await cluster.rbd(['clone', `images/${parent}@snap`, `images/${child}`]);
    const name = inImages(child);
    expect((await store.adoption.examine(name)).parent).toBe(`images/${parent}@snap`);
    const error = await refusal(store.adoption.adopt(name, randomUUID(), { move: true }), 'UNSUPPORTED');
    expect(error.message).toContain(`images/${parent}@snap`);
    {
      await using image = await store.adoption.open(name);
      const target = Buffer.alloc(data.length);
      await image.read(0, target);
      expect(target.equals(data)).toBe(true);
      // What its parent has counts as its data.
      expect(await image.extents(0, data.length)).toEqual([{ offset: 0, length: data.length }]);
    }
    await cluster.rbd(['snap', 'create', '--no-progress', `images/${child}@snap`]);
    await cluster.rbd(['flatten', '--no-progress', `images/${child}`]);
    const flat = randomUUID();
    const found = await store.adoption.examine(name);
    // librbd flattens the snapshots too, where the image has deep-flatten, as by default.
    expect(found.parent).toBeUndefined();
    await store.adoption.adopt(name, flat, { move: true });
    await expectAdopted(flat);
  });

  it('names the rights it lacks for another pool, and for the pool of a parent', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await importImage(`volumes/${imageId}`);
    await cluster.rbd(['snap', 'create', '--no-progress', `volumes/${imageId}@snap`]);
    await cluster.rbd(['snap', 'protect', `volumes/${imageId}@snap`]);
    await cluster.rbd(['clone', `volumes/${imageId}@snap`, `images/clone-${imageId}`]);
    const caps =
      "ceph auth caps client.images mon 'profile rbd' osd 'profile rbd pool=images, profile rbd-read-only pool=volumes'";
    const foreign = { pool: 'volumes', image: imageId };
    for (const call of [
      () => store.adoption.examine(foreign),
      () => store.adoption.open(foreign),
      () => store.adoption.adopt(foreign, imageId, { move: false }),
      () => store.adoption.examine(inImages(`clone-${imageId}`)),
    ]) {
      expect((await refusal(call(), 'INVALID')).hint).toBe(caps);
    }
  });

  it('adopts what `qemu-img convert` has made, and it is no copy before that', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    const file = path.join(cluster.folder, 'image.raw');
    await writeFile(file, data);
    const target = `rbd:images/${imageId}:conf=${cluster.confPath}:id=admin`;
    await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', file, target]);
    expect((await store.list()).some((image) => image.imageId === imageId)).toBe(false);
    await refusal(store.openWhole(imageId), 'NOT_FOUND');
    await store.adoption.adopt(inImages(imageId), imageId, { move: false });
    await expectAdopted(imageId);
  });

  it('goes on where renaming was cut', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    const copyName = (from: string, to: string) =>
      cluster.rados(['-p', 'images', 'cp', `rbd_id.${from}`, `rbd_id.${to}`]);
    await importImage(`images/old-${imageId}`);
    await copyName(`old-${imageId}`, imageId);
    await store.adoption.adopt(inImages(`old-${imageId}`), imageId, { move: true });
    await copyName(imageId, `old-${imageId}`);
    await store.adoption.adopt(inImages(`old-${imageId}`), imageId, { move: true });
    await expectAdopted(imageId);
    const objects = (await cluster.rados(['-p', 'images', 'ls'])).split('\n');
    expect(objects.filter((name) => name.startsWith('rbd_id.') && name.includes(imageId))).toEqual([
      `rbd_id.${imageId}`,
    ]);
  });

  it('goes on where a former self was killed, at once, and not where it was somebody else', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    for (const who of ['own', 'other'] as const) {
      const imageId = randomUUID();
      await importImage(`images/${imageId}`);
      {
        await using script = new Script('rbd-adopter.ts', [cluster.confPath, who, imageId]);
        expect(await script.nextLine()).toBe('ready');
        await script.kill();
      }
      const name = inImages(imageId);
      const began = performance.now();
      if (who === 'own') {
        expect((await store.adoption.examine(name)).openAt).toEqual([]);
        await store.adoption.adopt(name, imageId, { move: false });
        await expectAdopted(imageId);
      } else {
        expect((await store.adoption.examine(name)).openAt).not.toEqual([]);
        await refusal(store.adoption.adopt(name, imageId, { move: false }), 'IN_USE');
        expect((await store.adoption.examine(name)).snapProtected).toBe(false);
      }
      expect(performance.now() - began).toBeLessThan(PROMPT_MS);
    }
  });

  it('knows a former self by what it left, also when another one died there since', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store, cluster } = fixture();
    const imageId = randomUUID();
    await importImage(`images/${imageId}`);
    {
      await using script = new Script('rbd-adopter.ts', [cluster.confPath, 'own', imageId]);
      expect(await script.nextLine()).toBe('ready');
      await script.kill();
    }
    const { confPath, pool } = cluster;
    const since = new CephConnection({ confPath, clientId: 'images', pool, timeoutMs: 20_000 });
    await since.connect();
    await mark(since, (await findId(since, imageId)) ?? '');
    await since.close();
    expect((await store.adoption.examine(inImages(imageId))).openAt).toEqual([]);
    await store.adoption.adopt(inImages(imageId), imageId, { move: false });
    await expectAdopted(imageId);
  });

  it('goes on where it was killed at any moment, and no image named by a UUID was ever not whole', {
    timeout: 2 * TEST_TIMEOUT_MS,
  }, async () => {
    const { store, open, cluster } = fixture();
    const ids = Array.from({ length: 8 }, () => randomUUID());
    await Promise.all(ids.map((imageId) => importImage(`images/old-${imageId}`)));
    const imported: readonly string[] = ids;
    const pairs = ids.flatMap((imageId) => [`old-${imageId}`, imageId]);
    for (let round = 0; round < 8; round += 1) {
      {
        await using script = new Script('rbd-adopter.ts', [cluster.confPath, 'all', ...pairs]);
        await script.nextLine();
        // The moment is what is tried: no condition to wait for.
        await sleep(Math.random() * 400);
        await script.kill();
      }
      // By the time it is connected, nothing of the dead one is on its way.
      await using later = await open();
      const names = new Set((await cluster.rbd(['ls', 'images'])).split('\n'));
      const named = ids.filter((imageId) => names.has(imageId)).sort();
      const whole = (await later.list()).filter(({ form }) => form === 'whole').map((image) => image.imageId);
      expect(whole.filter((imageId) => imported.includes(imageId)).sort()).toEqual(named);
    }
    const began = performance.now();
    for (const imageId of ids) {
      await store.adoption.adopt(inImages(`old-${imageId}`), imageId, { move: true });
      await expectAdopted(imageId);
    }
    expect(performance.now() - began).toBeLessThan(2 * PROMPT_MS);
    const objects = await cluster.rados(['-p', 'images', 'ls']);
    expect(objects).not.toContain('rbd_id.old-');
  });
});
