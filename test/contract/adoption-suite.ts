import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ForeignName } from '../../src/store/adoption.ts';
import { entry, expectBytes, publishImage, readBack, refused, type StoreUnderTest } from './subject.ts';

const MIB = 1024 * 1024;

/** The sentences of src/store/adoption.ts. */
export function adoption(subject: () => StoreUnderTest): void {
  /** An image of others with its bytes. */
  async function stranger(name: ForeignName, sizeBytes = 3 * MIB): Promise<Buffer> {
    const data = randomBytes(sizeBytes);
    await subject().makeStranger(name, data);
    return data;
  }

  async function expectWhole(imageId: string, data: Buffer): Promise<void> {
    const { store } = subject();
    expect(await entry(store, imageId)).toEqual({ imageId, form: 'whole', sizeBytes: data.length });
    await using whole = await store.openWhole(imageId);
    expectBytes(await readBack(whole, 0, data.length), data);
  }

  const unnamed = (pool = 'images') => ({ pool, image: `ubuntu 24.04 ${randomUUID()}.raw` });

  it('finds what is there, and changes nothing', async () => {
    const { store, otherPool } = subject();
    for (const name of [unnamed(), unnamed(otherPool)]) {
      await stranger(name);
      const found = await store.adoption.examine(name);
      expect(found).toEqual({
        sizeBytes: 3 * MIB,
        snapshots: [],
        parent: undefined,
        hasSnap: false,
        snapProtected: false,
        openAt: [],
        inStorePool: name.pool === 'images',
      });
      expect(await store.adoption.examine(name)).toEqual(found);
    }
    const imageId = randomUUID();
    await publishImage(store, imageId, MIB);
    expect(await store.adoption.examine({ pool: 'images', image: imageId })).toMatchObject({
      snapshots: [{ name: 'snap', isProtected: true }],
      hasSnap: true,
      snapProtected: true,
    });
  });

  it('refuses names that are none, our own, and what is not there', async () => {
    const { adoption } = subject().store;
    const images = ['', '.', '..', 'a/b', 'a@snap', 'a\0b', `entrepot.partial.${randomUUID()}`];
    for (const image of images) {
      await refused(adoption.examine({ pool: 'images', image }), 'INVALID');
      await refused(adoption.adopt({ pool: 'images', image }, randomUUID(), { move: true }), 'INVALID');
      await refused(adoption.open({ pool: 'images', image }), 'INVALID');
    }
    for (const pool of ['', '..', 'a/b', 'no-such-pool']) {
      await refused(adoption.examine({ pool, image: 'x' }), 'INVALID');
    }
    await refused(adoption.examine(unnamed()), 'NOT_FOUND');
    await refused(adoption.open(unnamed()), 'NOT_FOUND');
    await refused(adoption.adopt(unnamed(), randomUUID(), { move: true }), 'NOT_FOUND');
    await stranger(unnamed());
    await refused(adoption.adopt(unnamed(), '../x', { move: true }), 'INVALID');
  });

  it('does not count as whole what others name by a UUID, until it is adopted, twice as once', async () => {
    const { store } = subject();
    const imageId = randomUUID();
    const name = { pool: 'images', image: imageId };
    const data = await stranger(name);
    expect(await entry(store, imageId)).toBeUndefined();
    await refused(store.openWhole(imageId), 'NOT_FOUND');
    await refused(store.openPartial(imageId, MIB), 'ALREADY_EXISTS');
    await refused(store.publish(imageId), 'ALREADY_EXISTS');
    await refused(store.adoption.describe(imageId, { 'entrepot.root': 'x' }), 'NOT_FOUND');
    await store.adoption.adopt(name, imageId, { move: false });
    await expectWhole(imageId, data);
    await store.adoption.adopt(name, imageId, { move: false });
    await expectWhole(imageId, data);
    await store.remove(imageId);
    expect(await entry(store, imageId)).toBeUndefined();
  });

  it('renames only when told to, twice as once, with a partial of that id out of the way', async () => {
    const { store } = subject();
    const imageId = randomUUID();
    const name = unnamed();
    const data = await stranger(name);
    {
      await using partial = await store.openPartial(imageId, MIB);
      await partial.setMetadata('entrepot.checkpoint', 'of the partial');
    }
    const error = await refused(store.adoption.adopt(name, imageId, { move: false }), 'UNSUPPORTED');
    expect(error).toMatchObject({ hint: expect.stringContaining('--move') });
    expect(await store.adoption.examine(name)).toMatchObject({ hasSnap: false });
    await store.adoption.adopt(name, imageId, { move: true });
    await expectWhole(imageId, data);
    await refused(store.adoption.examine(name), 'NOT_FOUND');
    await store.adoption.adopt(name, imageId, { move: true });
    await expectWhole(imageId, data);
    await using whole = await store.openWhole(imageId);
    expect(await whole.metadata('entrepot.checkpoint')).toBeUndefined();
    // Another one of the same name is not taken for the one that was adopted.
    await refused(store.adoption.adopt(unnamed(), imageId, { move: true }), 'NOT_FOUND');
    await stranger(name);
    await refused(store.adoption.adopt(name, imageId, { move: true }), 'ALREADY_EXISTS');
  });

  it('leaves an image in another pool, for copying', async () => {
    const { store, otherPool } = subject();
    const name = unnamed(otherPool);
    const data = await stranger(name);
    const error = await refused(store.adoption.adopt(name, randomUUID(), { move: true }), 'UNSUPPORTED');
    expect(error).toMatchObject({ hint: expect.stringContaining('copying') });
    await using image = await store.adoption.open(name);
    expect(image.sizeBytes).toBe(data.length);
    expectBytes(await readBack(image, 0, data.length), data);
    const extents = await image.extents(0, data.length);
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(data.length);
    expect(await image.metadata('entrepot.root')).toBeUndefined();
  });

  it('keeps away from what somebody writes', async () => {
    const { store } = subject();
    const imageId = randomUUID();
    const name = { pool: 'images', image: imageId };
    const data = await stranger(name);
    const holder = await subject().holdOpen(name);
    expect((await store.adoption.examine(name)).openAt).toHaveLength(1);
    await refused(store.adoption.adopt(name, imageId, { move: false }), 'IN_USE');
    await refused(store.adoption.open(name), 'IN_USE');
    await holder.release();
    expect(await store.adoption.examine(name)).toMatchObject({ openAt: [], hasSnap: false });
    await store.adoption.adopt(name, imageId, { move: false });
    await expectWhole(imageId, data);
  });

  it('describes a whole image, beside what it says already', async () => {
    const { store } = subject();
    const imageId = randomUUID();
    await stranger({ pool: 'images', image: imageId });
    await store.adoption.adopt({ pool: 'images', image: imageId }, imageId, { move: false });
    await store.adoption.describe(imageId, { 'entrepot.root': 'abc', 'entrepot.record': '{"name":"Käse"}' });
    await store.adoption.describe(imageId, { 'entrepot.root': 'def', 'entrepot.task': '' });
    await refused(store.adoption.describe(imageId, { 'entrepot.root': 'x'.repeat(65 * 1024) }), 'INVALID');
    await refused(store.adoption.describe(randomUUID(), { 'entrepot.root': 'x' }), 'NOT_FOUND');
    await using whole = await store.openWhole(imageId);
    expect(await whole.metadata('entrepot.root')).toBe('def');
    expect(await whole.metadata('entrepot.record')).toBe('{"name":"Käse"}');
    expect(await whole.metadata('entrepot.task')).toBe('');
  });
}
