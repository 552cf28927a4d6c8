/** What the two images are made of. The same size gives the same images, on any machine. */

export const BLOCK_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/** Of an image's size that is data; the rest was never written. */
const DATA_SHARE = 1 / 4;
/** 64 KiB to 64 MiB. */
const LONGEST_EXTENT_BLOCKS = 1024;
/** Of a small image: no extent is longer than this share of its data. */
const LONGEST_EXTENT_SHARE = 1 / 8;

/** Of the second image's blocks that are the first's. */
export const SHARED_PERCENT = 85;
/** How far the second image's data lies from the same data in the first; no multiple of a chunk. */
const SHIFT_BLOCKS = 37;
const LONGEST_FRESH_RUN_BLOCKS = 24;

export const SMALLEST_IMAGE_MIB = 16;

/** Which image; `second` is for what can be gained from an image that is there already. */
export type ImageName = 'first' | 'second';

/** 64 KiB by their number: the same number is the same bytes. */
export interface Block {
  readonly id: number;
  /** About 2.5:1, as the files of a root file system; otherwise not at all. */
  readonly isCompressible: boolean;
}

export interface PlannedExtent {
  readonly offset: number;
  readonly blocks: readonly Block[];
}

export interface ImagePlan {
  readonly sizeBytes: number;
  readonly dataBytes: number;
  /** In rising order, with holes between them. */
  readonly extents: readonly PlannedExtent[];
}

/** `sizeBytes`: a multiple of 1 MiB, at least 16 MiB. */
export function planImage(sizeBytes: number, name: ImageName): ImagePlan {
  const first = layOut(sizeBytes, 1, 0);
  if (name === 'first') return first;
  const known = first.extents.flatMap(({ blocks }) => blocks);
  return borrow(layOut(sizeBytes, 2, known.length), known);
}

function layOut(sizeBytes: number, seed: number, firstId: number): ImagePlan {
  if (sizeBytes % MIB !== 0 || sizeBytes < SMALLEST_IMAGE_MIB * MIB) {
    throw new Error(`an image of ${sizeBytes} bytes is not whole MiB, ${SMALLEST_IMAGE_MIB} or more`);
  }
  const random = randomNumbers(seed);
  const total = sizeBytes / BLOCK_BYTES;
  const lengths = shuffled(extentLengths(total * DATA_SHARE, random), random);
  const compressible = halfOf(lengths);
  const gaps = gapLengths(total * (1 - DATA_SHARE), lengths.length, random);
  let at = 0;
  let id = firstId;
  const extents = lengths.map((length, index) => {
    at += gaps[index] ?? 0;
    const isCompressible = compressible.has(index);
    const blocks = Array.from({ length }, () => ({ id: id++, isCompressible }));
    const extent = { offset: at * BLOCK_BYTES, blocks };
    at += length;
    return extent;
  });
  return { sizeBytes, dataBytes: sizeBytes * DATA_SHARE, extents };
}

/** As many short ones as long ones, on a scale of powers of two. One of each end is always there. */
function extentLengths(dataBlocks: number, random: () => number): number[] {
  const longest = Math.min(LONGEST_EXTENT_BLOCKS, Math.floor(dataBlocks * LONGEST_EXTENT_SHARE));
  const lengths = [longest, 1];
  for (let left = dataBlocks - longest - 1; left > 0; left -= lengths.at(-1) ?? left) {
    lengths.push(Math.min(left, Math.floor(longest ** random())));
  }
  return lengths;
}

/** Indexes of extents which together are half of the data, to within the shortest extent. */
function halfOf(lengths: readonly number[]): ReadonlySet<number> {
  const chosen = new Set<number>();
  let balance = 0;
  const longestFirst = lengths
    .map((length, index) => ({ length, index }))
    .sort((a, b) => b.length - a.length);
  for (const { length, index } of longestFirst) {
    if (balance <= 0) chosen.add(index);
    balance += balance <= 0 ? length : -length;
  }
  return chosen;
}

/** One before each extent, none of them empty; what is left ends the image. */
function gapLengths(holeBlocks: number, count: number, random: () => number): number[] {
  const spare = holeBlocks - count;
  const cuts = Array.from({ length: count }, () => Math.floor(random() * (spare + 1))).sort((a, b) => a - b);
  return cuts.map((cut, index) => 1 + cut - (index === 0 ? 0 : (cuts[index - 1] ?? 0)));
}

/** The same layout with runs of blocks that are known; what is fresh comes in runs too, as files do. */
function borrow(plan: ImagePlan, known: readonly Block[]): ImagePlan {
  const random = randomNumbers(3);
  let fresh = 0;
  let borrowed = 0;
  let position = 0;
  const next = (own: Block): Block => {
    if (fresh === 0 && borrowed === 0) {
      fresh = 1 + Math.floor(random() * LONGEST_FRESH_RUN_BLOCKS);
      borrowed = Math.round((fresh * SHARED_PERCENT) / (100 - SHARED_PERCENT));
    }
    const block = known[(position + SHIFT_BLOCKS) % known.length] ?? own;
    position += 1;
    if (borrowed > 0) {
      borrowed -= 1;
      return block;
    }
    fresh -= 1;
    return own;
  };
  return {
    ...plan,
    extents: plan.extents.map(({ offset, blocks }) => ({ offset, blocks: blocks.map(next) })),
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** Numbers in [0, 1), the same ones for the same seed: mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
