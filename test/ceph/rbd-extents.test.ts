import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Extent, PartialImage } from '../../src/store/store.ts';
import { describeWithCeph } from './cluster/describe.ts';
import { MIB, useCluster } from './rbd-fixture.ts';

const TEST_TIMEOUT_MS = 60_000;
const OBJECT = 4 * MIB;
const GIB = 1024 * MIB;

await describeWithCeph('rbd store: where the data is', () => {
  const fixture = useCluster();

  /** A little data at each offset. */
  async function writeAt(image: PartialImage, offsets: readonly number[]): Promise<void> {
    await Promise.all(offsets.map((offset) => image.write(offset, Buffer.alloc(512, 1))));
  }

  /** The objects that hold these offsets, joined and clipped, as extents. */
  function objectsOf(offsets: readonly number[], range: Extent): Extent[] {
    const objects = [...new Set(offsets.map((offset) => Math.floor(offset / OBJECT)))].sort((a, b) => a - b);
    const result: { offset: number; length: number }[] = [];
    for (const object of objects) {
      const start = Math.max(object * OBJECT, range.offset);
      const end = Math.min((object + 1) * OBJECT, range.offset + range.length);
      if (start >= end) continue;
      const last = result.at(-1);
      if (last !== undefined && last.offset + last.length === start) last.length += end - start;
      else result.push({ offset: start, length: end - start });
    }
    return result;
  }

  it('walks an image of more objects than one call takes', { timeout: TEST_TIMEOUT_MS }, async () => {
    const sizeBytes = 200 * GIB + 12_345;
    const offsets = [0, 64 * GIB - 512, 64 * GIB, 64 * GIB + OBJECT, 130 * GIB + 7, sizeBytes - 512];
    await using image = await fixture().store.openPartial(randomUUID(), sizeBytes);
    await writeAt(image, offsets);
    const all = { offset: 0, length: sizeBytes };
    expect(await image.extents(0, sizeBytes)).toEqual(objectsOf(offsets, all));
  });

  it('answers ranges that begin and end inside an object', { timeout: TEST_TIMEOUT_MS }, async () => {
    const sizeBytes = 1 * GIB - 777;
    const offsets = Array.from({ length: 60 }, (_, i) => (i * i * 97 * 4099) % (sizeBytes - 512));
    await using image = await fixture().store.openPartial(randomUUID(), sizeBytes);
    await writeAt(image, offsets);
    for (const range of [
      { offset: 1, length: sizeBytes - 1 },
      { offset: OBJECT - 1, length: 2 },
      { offset: 5 * OBJECT + 4711, length: 40 * OBJECT },
      { offset: sizeBytes - 1, length: 1 },
      { offset: 3 * OBJECT, length: 0 },
    ]) {
      expect(await image.extents(range.offset, range.length)).toEqual(objectsOf(offsets, range));
    }
  });

  it('keeps calls at the same time apart, beside reads and writes', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { store } = fixture();
    const sizeBytes = 8 * GIB;
    const images = await Promise.all([1, 2, 3].map(() => store.openPartial(randomUUID(), sizeBytes)));
    const offsets = images.map((_, which) =>
      Array.from({ length: 300 }, (_unused, i) => ((i * (which + 2) * 3) % 2048) * OBJECT + which * 512),
    );
    await Promise.all(images.map((image, which) => writeAt(image, offsets[which] ?? [])));
    const rounds = Array.from({ length: 8 }, (_, round) =>
      images.map(async (image, which) => {
        const range = { offset: round * 100 * MIB + round, length: sizeBytes - round * 200 * MIB };
        const [found] = await Promise.all([
          image.extents(range.offset, range.length),
          image.read(round * OBJECT, Buffer.alloc(MIB)),
          image.write((offsets[which]?.[round] ?? 0) + 4096, Buffer.alloc(4096, 3)),
        ]);
        expect(found).toEqual(objectsOf(offsets[which] ?? [], range));
      }),
    );
    await Promise.all(rounds.flat());
    await Promise.all(images.map((image) => image[Symbol.asyncDispose]()));
  });

  it.each([
    ['objects of 8 MiB', ['--object-size', '8M'], 8 * MIB],
    ['small objects', ['--object-size', '64K'], 64 * 1024],
    ['stripes', ['--stripe-unit', '65536', '--stripe-count', '4'], 4 * OBJECT],
    ['no object map', ['--image-feature', 'layering'], OBJECT],
  ])(
    'understands images that others made: %s',
    { timeout: TEST_TIMEOUT_MS },
    async (_what, options, grain) => {
      const { store, cluster } = fixture();
      const imageId = randomUUID();
      const name = `images/${imageId}`;
      await cluster.rbd(['create', '--size', '200M', ...options, name]);
      await cluster.rbd([
        'bench',
        '--io-type',
        'write',
        '--io-size',
        '64K',
        '--io-total',
        '64K',
        '--io-threads',
        '1',
        name,
      ]);
      await cluster.rbd(['snap', 'create', '--no-progress', `${name}@snap`]);
      await cluster.rbd(['snap', 'protect', `${name}@snap`]);
      await using image = await store.openWhole(imageId);
      const extents = await image.extents(0, 200 * MIB);
      expect(extents[0]?.offset).toBe(0);
      const found = extents.reduce((sum, { length }) => sum + length, 0);
      expect(found).toBeGreaterThanOrEqual(64 * 1024);
      expect(found).toBeLessThanOrEqual(grain);
      expect(await image.extents(100 * MIB, 50 * MIB)).toEqual([]);
      const target = Buffer.alloc(64 * 1024);
      await image.read(0, target);
      expect(target.every((byte) => byte !== 0)).toBe(true);
    },
  );
});
