import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CENTRAL, holdings, populate } from '../../../bench/control/population.ts';
import { isStoreId, isUuid } from '../../../src/domain/ids.ts';

const sizes = fc
  .record({
    sites: fc.integer({ min: 2, max: 40 }),
    images: fc.integer({ min: 1, max: 60 }),
    copies: fc.integer({ min: 0, max: 2000 }),
    fresh: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ fresh, ...rest }) => ({ ...rest, freshImages: Math.floor(rest.images * fresh) }));

describe('a population', () => {
  test('has as many copies as were wanted and there is room for, each image at central, none twice at a store', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const { images, storeIds, copies } = populate(size);
        expect(images).toHaveLength(size.images);
        expect(storeIds).toHaveLength(size.sites);
        expect(images.every(({ id }) => isUuid(id))).toBe(true);
        expect(storeIds.every(isStoreId)).toBe(true);
        expect(new Set(images.map(({ id }) => id)).size).toBe(size.images);
        for (const image of images) {
          expect(image.storeIds[0]).toBe(CENTRAL);
          expect(new Set(image.storeIds).size).toBe(image.storeIds.length);
        }
        const settled = size.images - size.freshImages;
        const room = size.images + settled * (size.sites - 1);
        expect(copies).toBe(Math.min(room, Math.max(size.images, settled === 0 ? 0 : size.copies)));
        expect(copies).toBe(images.reduce((sum, { storeIds: held }) => sum + held.length, 0));
      }),
    );
  });

  test('leaves the newest images at central alone', () => {
    const { images } = populate({ sites: 5, images: 10, copies: 30, freshImages: 3 });
    expect(images.slice(-3).map(({ storeIds }) => storeIds)).toEqual([[CENTRAL], [CENTRAL], [CENTRAL]]);
    expect(images.slice(0, -3).every(({ storeIds }) => storeIds.length > 1)).toBe(true);
  });

  test('spreads copies evenly over the edges', () => {
    const held = holdings(populate({ sites: 101, images: 1000, copies: 10_000, freshImages: 100 }));
    const counts = [...held].flatMap(([id, images]) => (id === CENTRAL ? [] : [images.length]));
    expect(held.get(CENTRAL)).toHaveLength(1000);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test('is the same each time', () => {
    const size = { sites: 7, images: 20, copies: 60, freshImages: 4 };
    expect(populate(size)).toEqual(populate(size));
  });
});
