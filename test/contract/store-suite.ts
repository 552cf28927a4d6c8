import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../src/domain/chunk.ts';
import {
  type Extent,
  PARTIAL_PREFIX,
  type PartialImage,
  type ReadableImage,
  type Store,
  type StoredImage,
} from '../../src/store/store.ts';
import { adoption } from './adoption-suite.ts';
import { clearing } from './clearing-suite.ts';
import { entry, expectBytes, publishImage, readBack, refused, type StoreUnderTest } from './subject.ts';

const MIB = 1024 * 1024;
const TEST_TIMEOUT_MS = 60_000;
const SETUP_TIMEOUT_MS = 180_000;

/** Holds a driver to every sentence of src/store/store.ts. Call it at the top of a test file. */
export function storeSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`Store contract: ${name}`, { timeout: TEST_TIMEOUT_MS }, () => {
    let subject: StoreUnderTest;
    beforeAll(async () => {
      subject = await make();
    }, SETUP_TIMEOUT_MS);
    afterAll(async () => {
      await subject?.[Symbol.asyncDispose]();
    }, SETUP_TIMEOUT_MS);

    describe('life cycle', () => lifeCycle(() => subject));
    describe('partial', () => partials(() => subject));
    describe('bytes', () => bytes(() => subject));
    describe('holes', () => holes(() => subject));
    describe('clearing', () => clearing(() => subject));
    describe('metadata', () => metadata(() => subject));
    describe('clones', () => clones(() => subject));
    describe('adoption', () => adoption(() => subject));
    describe('restart', () => restart(() => subject));
  });
}

function lifeCycle(subject: () => StoreUnderTest): void {
  it('goes from absent to partial to whole to absent', async () => {
    const { store } = subject();
    const id = randomUUID();
    expect(await entry(store, id)).toBeUndefined();
    await using partial = await store.openPartial(id, 10 * MIB);
    const data = randomBytes(MIB);
    await partial.write(3 * MIB, data);
    await partial.flush();
    expect(await entry(store, id)).toEqual({ imageId: id, form: 'partial', sizeBytes: 10 * MIB });
    await partial[Symbol.asyncDispose]();

    await store.publish(id);
    expect(await entry(store, id)).toEqual({ imageId: id, form: 'whole', sizeBytes: 10 * MIB });
    {
      await using whole = await store.openWhole(id);
      expect(whole.sizeBytes).toBe(10 * MIB);
      expectBytes(await readBack(whole, 3 * MIB, MIB), data);
    }
    await store.remove(id);
    expect(await entry(store, id)).toBeUndefined();
    await refused(store.openWhole(id), 'NOT_FOUND');
  });

  it('lists each image once, whole or partial', async () => {
    const { store } = subject();
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await publishImage(store, first, 5 * MIB);
    await (await store.openPartial(second, 7 * MIB))[Symbol.asyncDispose]();
    await publishImage(store, third, MIB);
    const made: readonly string[] = [first, second, third];
    const listed = (await store.list()).filter((image) => made.includes(image.imageId));
    expect(listed.sort(byId)).toEqual(
      (
        [
          { imageId: first, form: 'whole', sizeBytes: 5 * MIB },
          { imageId: second, form: 'partial', sizeBytes: 7 * MIB },
          { imageId: third, form: 'whole', sizeBytes: MIB },
        ] satisfies StoredImage[]
      ).sort(byId),
    );
  });

  it('opens whole images only', async () => {
    const { store } = subject();
    const id = randomUUID();
    await refused(store.openWhole(id), 'NOT_FOUND');
    await (await store.openPartial(id, MIB))[Symbol.asyncDispose]();
    await refused(store.openWhole(id), 'NOT_FOUND');
  });

  it('publishes twice as once', async () => {
    const { store } = subject();
    const id = randomUUID();
    const data = await publishImage(store, id, 2 * MIB);
    await store.publish(id);
    await using whole = await store.openWhole(id);
    expectBytes(await readBack(whole, 0, data.length), data);
  });

  it('does not publish what is not there', async () => {
    await refused(subject().store.publish(randomUUID()), 'NOT_FOUND');
  });

  it('discards a partial, twice as once, and then starts anew', async () => {
    const { store } = subject();
    const id = randomUUID();
    {
      await using partial = await store.openPartial(id, MIB);
      await partial.write(0, Buffer.alloc(MIB, 7));
      await partial.setMetadata('entrepot.test', 'old');
      await partial.flush();
    }
    await store.discard(id);
    await store.discard(id);
    expect(await entry(store, id)).toBeUndefined();
    await using again = await store.openPartial(id, MIB);
    expectBytes(await readBack(again, 0, MIB), Buffer.alloc(MIB));
    expect(await again.metadata('entrepot.test')).toBeUndefined();
  });

  it('discards nothing where nothing is', async () => {
    await subject().store.discard(randomUUID());
  });

  it('never discards a whole image', async () => {
    const { store } = subject();
    const id = randomUUID();
    const data = randomBytes(MIB);
    {
      await using partial = await store.openPartial(id, MIB);
      await partial.write(0, data);
      await partial.setMetadata('entrepot.root', 'kept');
      await partial.flush();
    }
    await store.publish(id);
    await store.discard(id);
    await using whole = await store.openWhole(id);
    expect(await whole.metadata('entrepot.root')).toBe('kept');
    expectBytes(await readBack(whole, 0, MIB), data);
  });

  it('removes twice as once, and what was never there', async () => {
    const { store } = subject();
    const id = randomUUID();
    await publishImage(store, id, MIB);
    await store.remove(id);
    await store.remove(id);
    await store.remove(randomUUID());
    expect(await entry(store, id)).toBeUndefined();
  });

  it('takes a removed image again under the same UUID', async () => {
    const { store } = subject();
    const id = randomUUID();
    await publishImage(store, id, MIB);
    await store.remove(id);
    const data = await publishImage(store, id, 3 * MIB);
    await using whole = await store.openWhole(id);
    expect(whole.sizeBytes).toBe(3 * MIB);
    expectBytes(await readBack(whole, 0, data.length), data);
  });

  it('closes an image twice as once', async () => {
    const { store } = subject();
    const id = randomUUID();
    const partial = await store.openPartial(id, MIB);
    await partial[Symbol.asyncDispose]();
    await partial[Symbol.asyncDispose]();
    await store.publish(id);
    const whole = await store.openWhole(id);
    await whole[Symbol.asyncDispose]();
    await whole[Symbol.asyncDispose]();
  });

  it('tells space that makes sense, or nothing', async () => {
    const space = await subject().store.space();
    if (space === undefined) return;
    expect(Number.isSafeInteger(space.totalBytes)).toBe(true);
    expect(Number.isSafeInteger(space.freeBytes)).toBe(true);
    expect(space.totalBytes).toBeGreaterThan(0);
    expect(space.freeBytes).toBeGreaterThanOrEqual(0);
    expect(space.freeBytes).toBeLessThanOrEqual(space.totalBytes);
  });
}

function partials(subject: () => StoreUnderTest): void {
  it('keeps data and metadata when opened again with the same size', async () => {
    const { store } = subject();
    const id = randomUUID();
    const data = randomBytes(MIB);
    {
      await using partial = await store.openPartial(id, 9 * MIB);
      await partial.write(8 * MIB, data);
      await partial.setMetadata('entrepot.checkpoint', '2');
      await partial.flush();
    }
    await using again = await store.openPartial(id, 9 * MIB);
    expectBytes(await readBack(again, 8 * MIB, MIB), data);
    expect(await again.metadata('entrepot.checkpoint')).toBe('2');
  });

  it.each([
    ['larger', 9 * MIB],
    ['smaller', 2 * MIB],
  ])('makes it anew when the size asked for is %s', async (_which, otherBytes) => {
    const { store } = subject();
    const id = randomUUID();
    {
      await using partial = await store.openPartial(id, 5 * MIB);
      await partial.write(0, Buffer.alloc(MIB, 1));
      await partial.setMetadata('entrepot.checkpoint', '1');
      await partial.flush();
    }
    await using again = await store.openPartial(id, otherBytes);
    expect(again.sizeBytes).toBe(otherBytes);
    expectBytes(await readBack(again, 0, MIB), Buffer.alloc(MIB));
    expect(await again.metadata('entrepot.checkpoint')).toBeUndefined();
    expect((await entry(store, id))?.sizeBytes).toBe(otherBytes);
  });

  it('refuses to open a whole image for writing, and leaves it as it is', async () => {
    const { store } = subject();
    const id = randomUUID();
    const data = await publishImage(store, id, MIB);
    await refused(store.openPartial(id, MIB), 'ALREADY_EXISTS');
    await refused(store.openPartial(id, 2 * MIB), 'ALREADY_EXISTS');
    await using whole = await store.openWhole(id);
    expectBytes(await readBack(whole, 0, MIB), data);
    expect((await entry(store, id))?.form).toBe('whole');
  });
}

function bytes(subject: () => StoreUnderTest): void {
  it.each([1, 513, 4 * MIB - 1, 4 * MIB + 1, 9 * MIB + 12_345])(
    'keeps an image of %d bytes',
    async (size) => {
      const { store } = subject();
      const id = randomUUID();
      const data = randomBytes(size);
      {
        await using partial = await store.openPartial(id, size);
        expect(partial.sizeBytes).toBe(size);
        for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
          await partial.write(offset, data.subarray(offset, offset + CHUNK_BYTES));
        }
        await partial.flush();
        expectBytes(await readBack(partial, 0, size), data);
      }
      await store.publish(id);
      await using whole = await store.openWhole(id);
      expect(whole.sizeBytes).toBe(size);
      expectBytes(await readBack(whole, 0, size), data);
      expect((await entry(store, id))?.sizeBytes).toBe(size);
    },
  );

  it('reads and writes at any offset, over chunk borders, and overwrites', async () => {
    const { store } = subject();
    const model = Buffer.alloc(9 * MIB);
    await using partial = await store.openPartial(randomUUID(), model.length);
    const pieces: [offset: number, length: number][] = [
      [4 * MIB - 777, 2001],
      [3, 17],
      [8 * MIB + 1, MIB - 1],
      [4 * MIB - 5, 11],
    ];
    for (const [offset, length] of pieces) {
      const data = randomBytes(length);
      await partial.write(offset, data);
      data.copy(model, offset);
    }
    await partial.flush();
    expectBytes(await readBack(partial, 0, model.length), model);
    expectBytes(
      await readBack(partial, 4 * MIB - 1000, 4321),
      model.subarray(4 * MIB - 1000, 4 * MIB + 3321),
    );
  });

  it.each([
    ['plain', (length: number): Uint8Array => new Uint8Array(length)],
    ['shared', (length: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(length))],
  ])('takes 16 writes, then 16 reads, at a time in %s memory', async (_kind, allocate) => {
    const { store } = subject();
    const id = randomUUID();
    const indexes = Array.from({ length: 16 }, (_, index) => index);
    const sources = indexes.map(() => {
      const source = allocate(MIB);
      source.set(randomBytes(MIB));
      return source;
    });
    {
      await using partial = await store.openPartial(id, 16 * MIB);
      await Promise.all(sources.map((source, index) => partial.write(index * MIB, source)));
      await partial.flush();
      await expectAll(partial);
    }
    await store.publish(id);
    await using whole = await store.openWhole(id);
    await expectAll(whole);

    async function expectAll(image: ReadableImage): Promise<void> {
      // One slot more than is read: a driver that writes past its view is found out.
      const slab = allocate(17 * MIB);
      await Promise.all(
        indexes.map((index) => image.read(index * MIB, slab.subarray(index * MIB, (index + 1) * MIB))),
      );
      for (const [index, source] of sources.entries()) {
        expectBytes(slab.subarray(index * MIB, (index + 1) * MIB), source);
      }
      expectBytes(slab.subarray(16 * MIB), new Uint8Array(MIB));
    }
  });

  it('refuses to read outside the image', async () => {
    const { store } = subject();
    const id = randomUUID();
    const size = MIB + 1;
    await using partial = await store.openPartial(id, size);
    await expectBounds(partial);
    await partial[Symbol.asyncDispose]();
    await store.publish(id);
    await using whole = await store.openWhole(id);
    await expectBounds(whole);

    async function expectBounds(image: ReadableImage): Promise<void> {
      await refused(image.read(size, new Uint8Array(1)), 'INVALID');
      await refused(image.read(0, new Uint8Array(size + 1)), 'INVALID');
      await refused(image.read(size - 1, new Uint8Array(2)), 'INVALID');
      await refused(image.read(-1, new Uint8Array(1)), 'INVALID');
      await image.read(size - 1, new Uint8Array(1));
    }
  });

  it('refuses to write outside the image, and keeps its size', async () => {
    const { store } = subject();
    const id = randomUUID();
    await using partial = await store.openPartial(id, MIB);
    await refused(partial.write(MIB - 1, new Uint8Array(2)), 'INVALID');
    await refused(partial.write(-1, new Uint8Array(1)), 'INVALID');
    await partial.flush();
    expect((await entry(store, id))?.sizeBytes).toBe(MIB);
    expectBytes(await readBack(partial, 0, MIB), Buffer.alloc(MIB));
  });
}

function holes(subject: () => StoreUnderTest): void {
  const SIZE = 256 * MIB;
  const WRITTEN: Extent[] = [
    { offset: 5 * MIB + 100, length: 3000 },
    { offset: 100 * MIB, length: MIB },
    { offset: SIZE - 7, length: 7 },
  ];
  /** Far from every write, whatever the driver's granularity up to 8 MiB. */
  const NEVER: Extent = { offset: 128 * MIB, length: 64 * MIB };

  async function sparse(store: Store, id: string): Promise<void> {
    await using partial = await store.openPartial(id, SIZE);
    for (const { offset, length } of WRITTEN) await partial.write(offset, Buffer.alloc(length, 0xa5));
    await partial.flush();
    await expectExtents(partial);
  }

  async function expectExtents(image: ReadableImage): Promise<void> {
    const all = await image.extents(0, SIZE);
    expectWellFormed(all, 0, SIZE);
    for (const written of WRITTEN) expect(covers(all, written), `covers ${written.offset}`).toBe(true);
    expect(all.filter((extent) => overlaps(extent, NEVER))).toEqual([]);
  }

  it('reports extents where data was written, and none where never any was', async () => {
    const { store } = subject();
    const id = randomUUID();
    await sparse(store, id);
    await store.publish(id);
    await using whole = await store.openWhole(id);
    await expectExtents(whole);
  });

  it('clips extents to the range asked for', async () => {
    const { store } = subject();
    const id = randomUUID();
    await sparse(store, id);
    await store.publish(id);
    await using whole = await store.openWhole(id);
    const within = await whole.extents(100 * MIB + 1234, 4321);
    expect(within).toEqual([{ offset: 100 * MIB + 1234, length: 4321 }]);
    const tail = await whole.extents(SIZE - 3, 3);
    expect(tail).toEqual([{ offset: SIZE - 3, length: 3 }]);
    const straddling = await whole.extents(99 * MIB, MIB + 10);
    expectWellFormed(straddling, 99 * MIB, MIB + 10);
    expect(covers(straddling, { offset: 100 * MIB, length: 10 })).toBe(true);
    expect(await whole.extents(NEVER.offset, NEVER.length)).toEqual([]);
    expect(await whole.extents(NEVER.offset + 1, 1)).toEqual([]);
  });

  it('has no extents at all in an image never written', async () => {
    const { store } = subject();
    const id = randomUUID();
    {
      await using partial = await store.openPartial(id, 64 * MIB);
      expect(await partial.extents(0, 64 * MIB)).toEqual([]);
    }
    await store.publish(id);
    await using whole = await store.openWhole(id);
    expect(await whole.extents(0, 64 * MIB)).toEqual([]);
    expectBytes(await readBack(whole, 60 * MIB, 4 * MIB), Buffer.alloc(4 * MIB));
  });

  it('reads zeros in holes', async () => {
    const { store } = subject();
    const id = randomUUID();
    await sparse(store, id);
    await store.publish(id);
    await using whole = await store.openWhole(id);
    expectBytes(await readBack(whole, NEVER.offset, 4 * MIB), Buffer.alloc(4 * MIB));
    const around = await readBack(whole, 5 * MIB, 4096);
    const expected = Buffer.alloc(4096);
    expected.fill(0xa5, 100, 3100);
    expectBytes(around, expected);
  });
}

function metadata(subject: () => StoreUnderTest): void {
  async function openAny(): Promise<PartialImage> {
    return await subject().store.openPartial(randomUUID(), MIB);
  }

  it('knows what was set, and only that', async () => {
    await using partial = await openAny();
    expect(await partial.metadata('entrepot.root')).toBeUndefined();
    await partial.setMetadata('entrepot.root', 'abc');
    await partial.setMetadata('entrepot.record', '{"name":"Käse \u{1f9c0}"}\n');
    expect(await partial.metadata('entrepot.root')).toBe('abc');
    expect(await partial.metadata('entrepot.record')).toBe('{"name":"Käse \u{1f9c0}"}\n');
    expect(await partial.metadata('entrepot.checkpoint')).toBeUndefined();
    expect(await partial.metadata('constructor')).toBeUndefined();
  });

  it('overwrites', async () => {
    await using partial = await openAny();
    await partial.setMetadata('entrepot.checkpoint', '1'.repeat(1000));
    await partial.setMetadata('entrepot.checkpoint', '2');
    expect(await partial.metadata('entrepot.checkpoint')).toBe('2');
  });

  it('holds 60 KiB in one value, and refuses more than 64', async () => {
    await using partial = await openAny();
    const long = randomBytes(30 * 1024).toString('hex');
    await partial.setMetadata('entrepot.checkpoint', long);
    expect((await partial.metadata('entrepot.checkpoint')) === long).toBe(true);
    await refused(partial.setMetadata('entrepot.checkpoint', 'x'.repeat(64 * 1024 + 1)), 'INVALID');
    expect((await partial.metadata('entrepot.checkpoint')) === long).toBe(true);
  });

  it('takes settings at the same time as one after the other', async () => {
    await using partial = await openAny();
    const keys = Array.from({ length: 8 }, (_, index) => `entrepot.test.${index}`);
    await Promise.all(keys.map((key) => partial.setMetadata(key, `value of ${key}`)));
    for (const key of keys) expect(await partial.metadata(key)).toBe(`value of ${key}`);
  });

  it('stays with the image when it becomes whole', async () => {
    const { store } = subject();
    const id = randomUUID();
    {
      await using partial = await store.openPartial(id, MIB);
      await partial.setMetadata('entrepot.root', 'abc');
    }
    await store.publish(id);
    await using whole = await store.openWhole(id);
    expect(await whole.metadata('entrepot.root')).toBe('abc');
    expect(await whole.metadata('entrepot.checkpoint')).toBeUndefined();
  });
}

function clones(subject: () => StoreUnderTest): void {
  it('has no children when there are none, or no image', async () => {
    const { store } = subject();
    const id = randomUUID();
    expect(await store.children(id)).toEqual([]);
    await (await store.openPartial(id, MIB))[Symbol.asyncDispose]();
    expect(await store.children(id)).toEqual([]);
    await store.publish(id);
    expect(await store.children(id)).toEqual([]);
  });

  it('refuses to remove what clones depend on, naming them, and changes nothing', async () => {
    const { store } = subject();
    const id = randomUUID();
    const data = await publishImage(store, id, 2 * MIB);
    const first = await subject().makeClone(id);
    const second = await subject().makeClone(id);
    expect((await store.children(id)).sort()).toEqual([first.name, second.name].sort());

    const error = await refused(store.remove(id), 'IN_USE');
    expect(error.message).toContain(first.name);
    expect(error.message).toContain(second.name);
    expect((await entry(store, id))?.form).toBe('whole');
    {
      await using whole = await store.openWhole(id);
      expectBytes(await readBack(whole, 0, 2 * MIB), data);
    }
    // Still protected: another clone can be made, and the refusal stands.
    const third = await subject().makeClone(id);
    await refused(store.remove(id), 'IN_USE');

    await first.remove();
    await third.remove();
    expect(await store.children(id)).toEqual([second.name]);
    await refused(store.remove(id), 'IN_USE');
    await second.remove();
    expect(await store.children(id)).toEqual([]);
    await store.remove(id);
    expect(await entry(store, id)).toBeUndefined();
  });

  it('leaves clones out of the list', async () => {
    const { store } = subject();
    const id = randomUUID();
    await publishImage(store, id, MIB);
    const before = (await store.list()).length;
    const clone = await subject().makeClone(id);
    expect(await store.list()).toHaveLength(before);
    await clone.remove();
  });
}

function restart(subject: () => StoreUnderTest): void {
  it('sees the same after a restart, and goes on with a leftover partial', async () => {
    const { store } = subject();
    const [done, begun] = [randomUUID(), randomUUID()];
    const identity = await store.identity();
    const data = await publishImage(store, done, MIB);
    const half = randomBytes(MIB);
    {
      await using partial = await store.openPartial(begun, 2 * MIB);
      await partial.write(0, half);
      await partial.setMetadata('entrepot.checkpoint', '0');
      await partial.flush();
    }
    const before = (await store.list()).sort(byId);

    subject().store = await subject().reopen();
    const again = subject().store;
    expect(again).not.toBe(store);
    expect(again.driver).toBe(store.driver);
    expect(await again.identity()).toEqual(identity);
    expect((await again.list()).sort(byId)).toEqual(before);
    {
      await using whole = await again.openWhole(done);
      expectBytes(await readBack(whole, 0, MIB), data);
    }
    const rest = randomBytes(MIB);
    {
      await using partial = await again.openPartial(begun, 2 * MIB);
      expect(await partial.metadata('entrepot.checkpoint')).toBe('0');
      expectBytes(await readBack(partial, 0, MIB), half);
      await partial.write(MIB, rest);
      await partial.flush();
    }
    await again.publish(begun);
    await using whole = await again.openWhole(begun);
    expectBytes(await readBack(whole, 0, 2 * MIB), Buffer.concat([half, rest]));
  });

  it('has one identity, with a UUID for the cluster', async () => {
    const { store } = subject();
    const identity = await store.identity();
    expect(identity.fsid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(identity.pool).not.toBe('');
    expect(await store.identity()).toEqual(identity);
  });

  it('names partials as the contract says', () => {
    // Leftovers of older versions must be found again: the prefix is part of what lies on disk.
    expect(PARTIAL_PREFIX).toBe('entrepot.partial.');
  });
}

function expectWellFormed(extents: readonly Extent[], offset: number, length: number): void {
  let end = offset;
  for (const extent of extents) {
    expect(extent.length).toBeGreaterThan(0);
    expect(extent.offset).toBeGreaterThanOrEqual(end);
    end = extent.offset + extent.length;
  }
  expect(end).toBeLessThanOrEqual(offset + length);
}

/** Neighbouring extents may meet inside `range`. */
function covers(extents: readonly Extent[], range: Extent): boolean {
  let at = range.offset;
  for (const extent of extents) {
    if (extent.offset <= at && at < extent.offset + extent.length) at = extent.offset + extent.length;
  }
  return at >= range.offset + range.length;
}

function overlaps(one: Extent, other: Extent): boolean {
  return one.offset < other.offset + other.length && other.offset < one.offset + one.length;
}

function byId(one: StoredImage, other: StoredImage): number {
  return one.imageId < other.imageId ? -1 : 1;
}
