import { expect, test } from 'vitest';
import { imagePage } from '../../../src/hub/image-page.ts';

/** The pages of a whole list, as somebody reads it page by page: how many images each has. */
function pages(copies: readonly number[], limit: number): number[] {
  const all = copies.map((count, index) => ({ id: `i${index}`, count }));
  const seen: string[] = [];
  const sizes: number[] = [];
  for (let marker = ''; ; ) {
    const from = all.findIndex(({ id }) => id === marker) + 1;
    const { images, nextMarker } = imagePage(all.slice(from, from + limit + 1), limit, ({ id, count }) => ({
      id,
      copies: Array.from({ length: count }, () => ({})),
    }));
    seen.push(...images.map(({ id }) => id ?? ''));
    sizes.push(images.length);
    if (nextMarker === '') {
      expect(seen).toEqual(all.map(({ id }) => id));
      return sizes;
    }
    marker = nextMarker;
  }
}

test.each([
  ['no image', [], 3, [0]],
  ['as many as fit', [1, 1, 1], 3, [3]],
  ['one more', [1, 1, 1, 1], 3, [3, 1]],
  ['many copies: the page ends before they are too many', [800, 800, 800, 800], 100, [2, 2]],
  ['exactly as many copies as a page may have', [1000, 1000, 1], 100, [2, 1]],
  ['an image that is too much for any page has one of its own', [1, 9000, 1], 100, [1, 1, 1]],
])('%s', (_name, copies, limit, expected) => {
  expect(pages(copies, limit)).toEqual(expected);
});
