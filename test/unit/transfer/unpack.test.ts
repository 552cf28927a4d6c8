import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, createZstdCompress, zstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Compression } from '../../../src/domain/compression.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { frameOf } from '../../../src/transfer/frame-codec.ts';
import { frameMemory } from '../../../src/transfer/frame-memory.ts';
import { FRAME_BYTES, type Frame } from '../../../src/transfer/frames.ts';
import { packedPieces, piecesOf } from '../../../src/transfer/pieces.ts';
import { unpacked } from '../../../src/transfer/unpack.ts';
import { pack, unpack } from '../../../src/transfer/zstd.ts';

const zstd = promisify(zstdCompress);
const TEXT = Buffer.alloc(FRAME_BYTES, 'What goes into a crate comes out of it. ');

async function* from(frames: readonly Frame[]): AsyncGenerator<Frame> {
  yield* frames;
}

async function collect(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const all: Frame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

async function packedFrame(offset: number, bytes: Buffer, last = false): Promise<Frame> {
  const packed = await pack(bytes);
  if (packed === undefined) throw new Error('does not give way');
  return { ...frameOf(offset, packed, last), unpackedBytes: bytes.length };
}

function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing',
    (error) => (error instanceof Refusal ? error.code : `${error}`),
  );
}

describe('packing', () => {
  test('gives back what it was given, or says that it does not give way', async () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 20_000 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: FRAME_BYTES }))
        .map(([pattern, length]) => Buffer.alloc(length, pattern)),
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (bytes) => {
        const packed = await pack(bytes);
        if (packed === undefined) return;
        expect(packed.length).toBeLessThanOrEqual(bytes.length * 0.9);
        expect(Buffer.compare(await unpack(packed, bytes.length), bytes)).toBe(0);
      }),
      { numRuns: 60 },
    );
    expect(await pack(TEXT)).toBeDefined();
    expect(await pack(randomBytes(FRAME_BYTES))).toBeUndefined();
  });

  test('a chunk goes packed only when all of it gives way, and keeps its zero blocks left out', async () => {
    const noise = randomBytes(FRAME_BYTES);
    const mostly = Buffer.concat([TEXT, TEXT, noise, Buffer.alloc(FRAME_BYTES)]);
    const pieces = (await packedPieces(piecesOf(7 * FRAME_BYTES, mostly))) ?? [];
    expect(pieces.map(({ offset, unpackedBytes }) => [offset / FRAME_BYTES, unpackedBytes])).toEqual([
      [7, FRAME_BYTES],
      [8, FRAME_BYTES],
      [9, undefined],
    ]);
    const hardly = Buffer.concat([noise, TEXT.subarray(0, 64 * 1024), randomBytes(2 * FRAME_BYTES)]);
    expect(await packedPieces(piecesOf(0, hardly))).toBeUndefined();
  });
});

describe('unpacked', () => {
  test('has the frames of any mix in order, and tells what crossed the wire', async () => {
    const kinds = fc.array(fc.constantFrom('packed', 'plain', 'empty'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(kinds, fc.nat(255), async (mix, seed) => {
        const sent: Frame[] = [];
        const plain: Frame[] = [];
        for (const [index, kind] of mix.entries()) {
          const bytes = Buffer.alloc(kind === 'empty' ? 0 : 70_000 + index, seed + index);
          const last = index % 3 === 2;
          const said = last ? { compression: 'on' as Compression } : {};
          plain.push({ offset: index * 100_000, data: bytes, last, ...said });
          const packed = kind === 'packed' ? await packedFrame(index * 100_000, bytes, last) : undefined;
          sent.push(
            packed ? { ...packed, ...said } : { offset: index * 100_000, data: bytes, last, ...said },
          );
        }
        const wire: [number, Compression | undefined][] = [];
        const sizes = sent.map(({ data, compression }) => [data.length, compression]);
        const got = await collect(unpacked(from(sent), (bytes, said) => wire.push([bytes, said])));
        expect(got.map((frame) => ({ ...frame, data: Buffer.from(frame.data) }))).toEqual(plain);
        expect(wire).toEqual(sizes);
      }),
      { numRuns: 40 },
    );
  });

  test('gives the memory of packed frames back', async () => {
    const packed = Buffer.alloc(FRAME_BYTES / 2);
    randomBytes(FRAME_BYTES / 2).copy(packed);
    const bytes = Buffer.concat([packed, Buffer.alloc(FRAME_BYTES / 2, 1)]);
    const frame = await packedFrame(0, bytes, true);
    expect(frameMemory.owns(frame.data)).toBe(true);
    await collect(unpacked(from([frame]), () => {}));
    expect(frameMemory.owns(frame.data)).toBe(false);
  });

  test('hands the end of a chunk on although nothing follows it', async () => {
    const last = await packedFrame(0, TEXT, true);
    const silent = async function* () {
      yield last;
      await new Promise(() => {});
    };
    const frames = unpacked(silent(), () => {});
    expect((await frames.next()).value?.data.length).toBe(FRAME_BYTES);
  });

  test.each<[string, () => Promise<Frame>]>([
    ['more than it says', async () => ({ ...(await packedFrame(0, TEXT)), unpackedBytes: FRAME_BYTES - 1 })],
    [
      'less than it says',
      async () => ({ ...(await packedFrame(0, TEXT.subarray(1))), unpackedBytes: FRAME_BYTES }),
    ],
    [
      'more than a frame may',
      async () => ({ ...(await packedFrame(0, TEXT)), unpackedBytes: FRAME_BYTES + 1 }),
    ],
    ['twice what a frame may, as it says', async () => await packedFrame(0, Buffer.concat([TEXT, TEXT]))],
    ['4 GiB, as it says', async () => ({ ...(await packedFrame(0, TEXT)), unpackedBytes: 2 ** 32 - 1 })],
    ['garbage', async () => ({ offset: 0, data: randomBytes(500), last: true, unpackedBytes: 500 })],
    ['nothing', async () => ({ offset: 0, data: Buffer.alloc(0), last: true, unpackedBytes: 500 })],
    [
      'half a packed frame',
      async () => {
        const { data, ...rest } = await packedFrame(0, TEXT);
        return { ...rest, data: data.subarray(0, data.length / 2) };
      },
    ],
  ])('refuses %s', async (_, make) => {
    const frame = await make();
    expect(await codeOf(collect(unpacked(from([frame]), () => {})))).toBe('CORRUPT');
  });

  test('refuses bombs, and takes no memory for them', async () => {
    const { ZSTD_c_compressionLevel: level, ZSTD_c_windowLog: windowLog } = constants;
    const far = await zstd(Buffer.alloc(96 * FRAME_BYTES), { params: { [level]: 3, [windowLog]: 27 } });
    const near = await zstd(Buffer.alloc(96 * FRAME_BYTES), { params: { [level]: 3, [windowLog]: 20 } });
    const { rss } = process.memoryUsage();
    for (const data of [far, near]) {
      const frames = Array.from({ length: 20 }, () => ({
        offset: 0,
        data,
        last: true,
        unpackedBytes: FRAME_BYTES,
      }));
      for (const frame of frames)
        expect(await codeOf(collect(unpacked(from([frame]), () => {})))).toBe('CORRUPT');
    }
    expect(process.memoryUsage().rss - rss).toBeLessThan(64 * FRAME_BYTES);
  });

  test('refuses what would look back further than a frame, and have memory for it', async () => {
    // In two writes: so its length is not known, and it says how far it may look back.
    const packer = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 26 } });
    packer.write(TEXT.subarray(0, 1000));
    packer.flush();
    packer.end(TEXT.subarray(1000));
    expect(await codeOf(unpack(Buffer.concat(await packer.toArray()), FRAME_BYTES))).toBe('CORRUPT');
  });

  test('a frame that is refused ends the others too, none of them unheeded', async () => {
    const bad = { offset: 0, data: randomBytes(500), last: false, unpackedBytes: 500 };
    const good = await packedFrame(0, TEXT);
    const frames = unpacked(from([good, bad, bad, good]), () => {});
    expect((await frames.next()).value?.data.length).toBe(FRAME_BYTES);
    expect(await codeOf(frames.next())).toBe('CORRUPT');
    expect(await frames.next()).toEqual({ done: true, value: undefined });
  });
});
