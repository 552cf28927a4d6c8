import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../src/domain/chunk.ts';
import type { Extent } from '../../src/store/store.ts';
import { entry, expectBytes, readBack, refused, type StoreUnderTest } from './subject.ts';

const MIB = 1024 * 1024;

/** Holds a driver to `PartialImage.clear`. */
export function clearing(subject: () => StoreUnderTest): void {
  const SIZE = 41 * MIB + 12_345;

  it.each<[string, Extent, whole: Extent]>([
    ['whole chunks', { offset: 8 * MIB, length: 12 * MIB }, { offset: 8 * MIB, length: 12 * MIB }],
    ['any range', { offset: 9 * MIB + 777, length: 10 * MIB }, { offset: 12 * MIB, length: 4 * MIB }],
    ['less than a block', { offset: 5 * MIB + 1, length: 10 }, { offset: 0, length: 0 }],
    ['nothing', { offset: 5 * MIB, length: 0 }, { offset: 0, length: 0 }],
    ['up to the end', { offset: 20 * MIB, length: SIZE - 20 * MIB }, { offset: 20 * MIB, length: 20 * MIB }],
    ['all of it', { offset: 0, length: SIZE }, { offset: 0, length: 40 * MIB }],
  ])('takes %s away, and nothing else', async (_what, { offset, length }, whole) => {
    const { store } = subject();
    const id = randomUUID();
    const model = Buffer.alloc(SIZE);
    {
      await using partial = await store.openPartial(id, SIZE);
      // What lies from 24 to 32 MiB was never there.
      for (const at of [0, 4, 8, 12, 16, 20, 32, 36, 40]) {
        const data = randomBytes(Math.min(CHUNK_BYTES, SIZE - at * MIB));
        data.copy(model, at * MIB);
        await partial.write(at * MIB, data);
      }
      await partial.flush();
      await partial.clear(offset, length);
      model.fill(0, offset, offset + length);
      expectBytes(await readBack(partial, 0, SIZE), model);
      expect(await partial.extents(whole.offset, whole.length)).toEqual([]);
      const again = randomBytes(100);
      await partial.write(10 * MIB, again);
      again.copy(model, 10 * MIB);
      await partial.flush();
    }
    await store.publish(id);
    await using image = await store.openWhole(id);
    expectBytes(await readBack(image, 0, SIZE), model);
    expect((await entry(store, id))?.sizeBytes).toBe(SIZE);
  });

  it('does not clear outside the image', async () => {
    await using partial = await subject().store.openPartial(randomUUID(), MIB);
    await refused(partial.clear(MIB - 1, 2), 'INVALID');
    await refused(partial.clear(-1, 1), 'INVALID');
  });
}
