import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { blockBytes } from '../../../../bench/common/image-bytes.ts';
import { writeImageFile } from '../../../../bench/common/image-file.ts';
import { BLOCK_BYTES, type ImagePlan, planImage } from '../../../../bench/common/image-plan.ts';

const MIB = 1024 * 1024;
const SIZES_MIB = [16, 256, 4096];

const blocksOf = ({ extents }: ImagePlan) => extents.flatMap(({ blocks }) => blocks);

describe('the plan of an image', () => {
  test.each(SIZES_MIB)(
    'of %i MiB: a quarter is data, half of that compressible, with holes between',
    (mib) => {
      for (const name of ['first', 'second'] as const) {
        const plan = planImage(mib * MIB, name);
        const blocks = blocksOf(plan);
        expect(plan.dataBytes).toBe((mib * MIB) / 4);
        expect(blocks.length * BLOCK_BYTES).toBe(plan.dataBytes);
        let end = 0;
        for (const extent of plan.extents) {
          expect(extent.offset % BLOCK_BYTES).toBe(0);
          expect(extent.offset).toBeGreaterThan(end);
          end = extent.offset + extent.blocks.length * BLOCK_BYTES;
        }
        expect(end).toBeLessThanOrEqual(plan.sizeBytes);
      }
      const compressible = blocksOf(planImage(mib * MIB, 'first')).filter((block) => block.isCompressible);
      expect(Math.abs(compressible.length - (mib * 16) / 4 / 2)).toBeLessThanOrEqual(1);
    },
  );

  test('extents are of 64 KiB to 64 MiB, and of everything between', () => {
    const lengths = planImage(4096 * MIB, 'first').extents.map(({ blocks }) => blocks.length * BLOCK_BYTES);
    expect(Math.min(...lengths)).toBe(64 * 1024);
    expect(Math.max(...lengths)).toBe(64 * MIB);
    for (let from = 64 * 1024; from < 64 * MIB; from *= 4) {
      expect(lengths.some((length) => length >= from && length < from * 4)).toBe(true);
    }
  });

  test('the second shares 85 % of its blocks with the first, at other places', () => {
    const first = planImage(4096 * MIB, 'first');
    const second = planImage(4096 * MIB, 'second');
    const places = (plan: ImagePlan) =>
      new Map(
        plan.extents.flatMap(({ offset, blocks }) =>
          blocks.map(({ id }, index) => [id, offset / BLOCK_BYTES + index] as const),
        ),
      );
    expect(second.extents.map(({ offset }) => offset)).not.toEqual(first.extents.map(({ offset }) => offset));
    const before = places(first);
    const shared = [...places(second)].filter(([id]) => before.has(id));
    expect(shared.length / blocksOf(second).length).toBeCloseTo(0.85, 2);
    expect(new Set(blocksOf(second).map(({ id }) => id)).size).toBe(blocksOf(second).length);
    // Whole chunks of the one are hardly ever whole chunks of the other.
    const aligned = shared.filter(([id, place]) => (place - (before.get(id) ?? 0)) % 64 === 0);
    expect(aligned.length / shared.length).toBeLessThan(0.1);
  });

  test('is the same every time', () => {
    for (const name of ['first', 'second'] as const) {
      expect(planImage(64 * MIB, name)).toEqual(planImage(64 * MIB, name));
    }
    expect(planImage(64 * MIB, 'first')).not.toEqual(planImage(64 * MIB, 'second'));
  });

  test.each([15 * MIB, 16 * MIB + 1])('there is none of %i bytes', (size) => {
    expect(() => planImage(size, 'first')).toThrow(/whole MiB/);
  });
});

describe('the bytes of a block', () => {
  const some = (isCompressible: boolean) =>
    Buffer.concat(Array.from({ length: 64 }, (_, id) => blockBytes({ id, isCompressible })));
  const ratio = (bytes: Buffer, level: number) =>
    bytes.length / zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } }).length;

  test('compress about 2.5:1, in a chunk and alone, or not at all', () => {
    for (const level of [1, 3]) {
      expect(ratio(some(true), level)).toBeGreaterThan(2.4);
      expect(ratio(some(true), level)).toBeLessThan(2.7);
      expect(ratio(blockBytes({ id: 7, isCompressible: true }), level)).toBeGreaterThan(2.3);
      expect(ratio(some(false), level)).toBeLessThan(1.001);
    }
  });

  test('are the same on any machine, and others in every block', () => {
    const digest = createHash('sha256').update(some(true)).update(some(false)).digest('hex');
    expect(digest).toBe('8685be495e8ea50cf2c49a378e6009cacbb888d2089bb4217fe1566b98a65c51');
    const blocks = Array.from({ length: 512 }, (_, n) =>
      blockBytes({ id: (n >> 1) * 256, isCompressible: n % 2 === 0 }).toString('latin1'),
    );
    expect(new Set(blocks).size).toBe(512);
  });
});

test('the file is sparse and holds what is planned', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'entrepot-bench-test-'));
  try {
    const plan = planImage(64 * MIB, 'second');
    const path = join(folder, 'image.raw');
    await writeImageFile(path, plan, new AbortController().signal);
    const { size, blocks } = await stat(path);
    expect(size).toBe(plan.sizeBytes);
    expect(blocks * 512).toBeLessThan(plan.sizeBytes / 2);
    const expected = Buffer.alloc(size);
    for (const extent of plan.extents) {
      for (const [index, block] of extent.blocks.entries()) {
        blockBytes(block).copy(expected, extent.offset + index * BLOCK_BYTES);
      }
    }
    await using file = await open(path);
    expect((await file.readFile()).equals(expected)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
