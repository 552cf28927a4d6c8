import { execFile } from 'node:child_process';
import { open, truncate, utimes, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunksOf, LocalImage } from '../../../src/cli/local-image.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { chunkFrames } from '../../../src/transfer/chunk-frames.ts';
import { FRAME_BYTES, type Frame } from '../../../src/transfer/frames.ts';
import { Folder } from './run.ts';

const BLOCK = 64 * 1024;
const ignore = () => {};

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A chunk with data in these blocks, a different byte in each. */
function chunkOf(blocks: readonly number[], length = CHUNK_BYTES): Buffer {
  const chunk = Buffer.alloc(length);
  for (const block of blocks) chunk.fill((block % 255) + 1, block * BLOCK, (block + 1) * BLOCK);
  return chunk;
}

function extent({ offset, data, last }: Frame): readonly [number, number, boolean] {
  return [offset / BLOCK, data.length / BLOCK, last];
}

describe('the frames of a chunk', () => {
  it.each([
    ['zeros', [], []],
    ['one block', [3], [[3, 1, true]]],
    [
      'two runs',
      [0, 1, 63],
      [
        [0, 2, false],
        [63, 1, true],
      ],
    ],
    [
      'more than a frame',
      Array.from({ length: 20 }, (_, index) => index),
      [
        [0, 16, false],
        [16, 4, true],
      ],
    ],
  ])('%s', (_, blocks, frames) => {
    expect(chunkFrames(0, chunkOf(blocks)).map(extent)).toEqual(frames);
  });

  it('a full chunk goes in four frames', () => {
    const frames = chunkFrames(8 * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 1));
    expect(frames.map(({ data }) => data.length)).toEqual([
      FRAME_BYTES,
      FRAME_BYTES,
      FRAME_BYTES,
      FRAME_BYTES,
    ]);
    expect(frames.map(({ offset }) => offset - 8 * CHUNK_BYTES)).toEqual(
      [0, 1, 2, 3].map((n) => n * FRAME_BYTES),
    );
    expect(frames.map(({ last }) => last)).toEqual([false, false, false, true]);
  });

  it('the last chunk may end inside a block', () => {
    const chunk = Buffer.alloc(BLOCK + 5);
    chunk[BLOCK + 4] = 1;
    expect(chunkFrames(0, chunk)).toEqual([
      { offset: BLOCK, data: Buffer.from([0, 0, 0, 0, 1]), last: true },
    ]);
  });

  it('keep their bytes when the buffer is used again', () => {
    const chunk = chunkOf([0]);
    const [frame] = chunkFrames(0, chunk);
    chunk.fill(0);
    expect(frame?.data[0]).toBe(1);
  });
});

it('reads each chunk once that an extent touches', () => {
  const C = CHUNK_BYTES;
  expect(chunksOf([])).toEqual([]);
  expect(
    chunksOf([
      { offset: 1, length: 1 },
      { offset: 5, length: C },
      { offset: 3 * C - 1, length: 1 },
      { offset: 3 * C, length: C + 1 },
    ]),
  ).toEqual([0, 1, 2, 3, 4]);
});

async function framesOf(
  source: LocalImage,
  onRead: (lengthBytes: number) => void = ignore,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of source.frames(await source.dataChunks(), onRead)) frames.push(frame);
  return frames;
}

describe('a local image', () => {
  it('gives its data and its end, and reads no hole', async () => {
    const path = folder.file('sparse.raw');
    const file = await open(path, 'w');
    await file.truncate(40 * CHUNK_BYTES + 7);
    await file.write(chunkOf([2]), 0, CHUNK_BYTES, 30 * CHUNK_BYTES);
    await file.close();
    await using source = await LocalImage.open(path);
    let readBytes = 0;
    const frames = await framesOf(source, (lengthBytes) => {
      readBytes += lengthBytes;
    });
    expect(frames.map(({ offset, data, last }) => [offset, data.length, last])).toEqual([
      [30 * CHUNK_BYTES + 2 * BLOCK, BLOCK, true],
      [40 * CHUNK_BYTES + 7, 0, true],
    ]);
    expect(readBytes).toBe(CHUNK_BYTES);
  });

  it('of nothing but a hole is its end alone', async () => {
    const path = folder.file('hole.raw');
    await writeFile(path, '');
    await truncate(path, 3 * CHUNK_BYTES);
    await using source = await LocalImage.open(path);
    expect(await framesOf(source)).toEqual([{ offset: 3 * CHUNK_BYTES, data: new Uint8Array(), last: true }]);
  });

  const changes: [string, (path: string) => Promise<void>, RegExp][] = [
    [
      'became shorter',
      (path) => truncate(path, CHUNK_BYTES + 1),
      /changed while it was read: .* ends at byte 4194305 now/,
    ],
    [
      'grew',
      (path) => truncate(path, 9 * CHUNK_BYTES),
      /changed while it was read: .* grew to 37748736 bytes/,
    ],
    ['was written to', (path) => utimes(path, 1, 1), /changed while it was read: .* was written to/],
  ];
  it.each(changes)('that %s meanwhile is refused before its end is sent', async (_, change, message) => {
    const path = folder.file('changing.raw');
    await writeFile(path, Buffer.alloc(4 * CHUNK_BYTES, 1));
    await using source = await LocalImage.open(path);
    const ends: number[] = [];
    const reading = (async () => {
      let first = true;
      for await (const { data, offset } of source.frames(await source.dataChunks(), ignore)) {
        if (first) await change(path);
        first = false;
        if (data.length === 0) ends.push(offset);
      }
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(message),
    });
    expect(ends).toEqual([]);
  });

  it.each([
    ['nothing.raw', async () => {}, 'NOT_FOUND', /cannot read .*nothing.raw: no such file/],
    ['empty.raw', (path: string) => writeFile(path, ''), 'INVALID', /empty.raw is empty/],
    ['.', async () => {}, 'INVALID', /is a folder/],
    ['pipe', (path: string) => promisify(execFile)('mkfifo', [path]), 'INVALID', /is not a regular file/],
    [
      'disk.qcow2',
      (path: string) => writeFile(path, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(600)])),
      'INVALID',
      /disk.qcow2: /,
    ],
  ])('%s is refused', async (name, make: (path: string) => Promise<unknown>, code, message) => {
    const path = folder.file(name);
    await make(path);
    const format = async () => {
      await using image = await LocalImage.open(path);
      return await image.format();
    };
    await expect(format()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    ['disk.raw', Buffer.alloc(70_000, 7), { found: 'raw', diskFormat: 'raw', isKept: true }],
    ['disk.qcow2.gz', Buffer.from([0x1f, 0x8b, 8, 0]), { found: 'gzip', diskFormat: 'qcow2', isKept: false }],
    ['disk.xyz.gz', Buffer.from([0x1f, 0x8b, 8, 0]), { found: 'gzip', diskFormat: 'raw', isKept: false }],
  ])('%s is known by its bytes, and where they do not tell by its name', async (name, start, format) => {
    const path = folder.file(name);
    await writeFile(path, Buffer.concat([start, Buffer.alloc(3_000_000)]));
    await using image = await LocalImage.open(path);
    expect(await image.format()).toEqual(format);
  });
});
