import { createHash } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { type IngestOptions, ingest } from '../../../src/transfer/ingest.ts';
import { type BytesBefore, keptIngest } from '../../../src/transfer/ingest-checkpoint.ts';
import { METADATA } from '../../../src/transfer/metadata.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { dataOf, draw, endOf, IMAGE_ID, keepAll, type Sketch, uploadOf } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const SAMPLE: Sketch = {
  chunks: ['hole', [0, 5], 'full', 'hole', [1, 2], 'full', 'hole', 'full', [3], 'hole', [60], [0]],
  missingBytes: 70_000,
};
const FILE = draw(SAMPLE);

function bench(bytes = FILE) {
  const store = new MemoryStore();
  const slabs = new SlabPool(6);
  const asked: BytesBefore[] = [];
  const take = (frames: (startByte: number) => AsyncIterable<Frame>, changes: Partial<IngestOptions> = {}) =>
    ingest({
      store,
      imageId: IMAGE_ID,
      taskId: 'task-1',
      sizeBytes: bytes.length,
      frames: (before) => {
        asked.push(before);
        return frames(before.lengthBytes);
      },
      resume: { note: 'v1' },
      intake: keepAll(),
      keepManifest: async () => {},
      digests,
      slabs,
      onProgress: () => {},
      signal: new AbortController().signal,
      ...changes,
    });
  /** The upload from a byte on, to its end or until it breaks after so many frames. */
  const rest = (breaksAfter = Number.POSITIVE_INFINITY) =>
    async function* (startByte: number) {
      let count = 0;
      for (const frame of uploadOf(bytes)) {
        if (frame.offset < startByte) continue;
        if (count++ === breaksAfter) throw new Refusal('UNAVAILABLE', 'the operator went away');
        yield frame;
      }
    };
  const intake = () => JSON.parse(store.images.get(IMAGE_ID)?.metadata.get(METADATA.intake) ?? '{}');
  return { store, slabs, asked, take, rest, intake };
}

const sha512 = (bytes: Buffer) => createHash('sha512').update(bytes).digest('hex');
const DATA_FRAMES = [...uploadOf(FILE)].slice(0, -1);
/** Of the sample's first chunks. */
const framesUpTo = (chunk: number) => DATA_FRAMES.filter(({ offset }) => offset < chunk * CHUNK_BYTES).length;

describe('an upload that broke', () => {
  test.each([1, 3, 6, 8, 9, 12])('after its first %i chunks goes on from there', async (chunks) => {
    const { store, asked, take, rest, slabs } = bench();
    await expect(take(rest(framesUpTo(chunks)))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const { data, traffic } = await take(rest());
    expect(data).toEqual(dataOf(FILE));
    expect(store.bytesOf(IMAGE_ID)?.equals(FILE)).toBe(true);
    // The last chunk of data that came, and its end.
    const came = DATA_FRAMES.filter(({ offset }) => offset < chunks * CHUNK_BYTES).at(-1);
    const nextChunk = came === undefined ? 0 : Math.floor(came.offset / CHUNK_BYTES) + 1;
    const before = FILE.subarray(0, nextChunk * CHUNK_BYTES);
    expect(asked[1]).toEqual({ lengthBytes: before.length, sha512: sha512(before) });
    const sentBytes = DATA_FRAMES.filter(({ offset }) => offset >= before.length).reduce(
      (sum, { data: { length } }) => sum + length,
      0,
    );
    expect(traffic.receivedBytes).toBe(sentBytes);
    expect(traffic).toMatchObject({
      resumedBytes: dataOf(before).dataBytes,
      holeBytes: FILE.length - data.dataBytes,
      verifiedBytes: data.dataBytes,
    });
    expect(slabs.bytesInUse).toBe(0);
  });

  test('in the middle of a chunk does without that chunk', async () => {
    const { asked, take, rest } = bench();
    await expect(take(rest(framesUpTo(5) + 1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await take(rest())).data).toEqual(dataOf(FILE));
    expect(asked.map(({ lengthBytes }) => lengthBytes)).toEqual([0, 5 * CHUNK_BYTES]);
  });

  test('when all of it had come is only asked for its end', async () => {
    const { asked, take, rest } = bench();
    const keepManifest = () => Promise.reject(new Refusal('UNAVAILABLE', 'the hub is away'));
    await expect(take(rest(), { keepManifest })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const { data, traffic } = await take(async function* () {
      yield endOf(FILE.length);
    });
    expect(data).toEqual(dataOf(FILE));
    expect(asked[1]).toEqual({ lengthBytes: FILE.length, sha512: data.osHashValue });
    expect(traffic.receivedBytes).toBe(0);
  });

  test('sends nothing that is there already', async () => {
    const { take, rest } = bench();
    await expect(take(rest(framesUpTo(6)))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(take(() => rest()(0))).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(`after ${6 * CHUNK_BYTES} bytes were complete`),
    });
  });

  test('and of which the store has lost a byte is CORRUPT: nobody could tell any more what it was', async () => {
    const { store, asked, take, rest } = bench();
    await expect(take(rest(framesUpTo(6)))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    store.damage(IMAGE_ID, 2 * CHUNK_BYTES + 7);
    await expect(take(rest())).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(asked).toHaveLength(1);
  });

  test('and whose clearing was lost with a flush that failed is cleared again', async () => {
    const { store, take, rest } = bench();
    await expect(take(rest(0))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const left = await store.openPartial(IMAGE_ID, FILE.length);
    // In a hole of the file: nothing is written over it.
    await left.write(3 * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 9));
    await left.flush();
    await left[Symbol.asyncDispose]();
    const failing = new WatchedStore(store);
    failing.around = (call, when) => {
      if (call !== 'flush' || when === 'after') return;
      store.giveUpUnflushed();
      throw new Refusal('UNAVAILABLE', 'input/output error');
    };
    const zeros = async function* () {
      yield* [...uploadOf(FILE, { zeroChunks: true })].filter(({ offset }) => offset < CHUNK_BYTES);
      throw new Refusal('UNAVAILABLE', 'the operator went away');
    };
    await expect(take(zeros, { store: failing })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(failing.calls).toContain('flush');
    await take(rest());
    store.crash(() => 'old');
    expect(store.bytesOf(IMAGE_ID)?.equals(FILE)).toBe(true);
  });

  test('is stopped while what it left is gone over', async () => {
    const sizeBytes = 2 ** 44;
    const { store, take } = bench();
    const image = await store.openPartial(IMAGE_ID, sizeBytes);
    const left = { taskId: 'task-1', note: 'v1', nextChunk: 2 ** 21, sha512: 'of zeros' };
    await image.setMetadata(METADATA.intake, JSON.stringify(left));
    await image[Symbol.asyncDispose]();
    const stop = new AbortController();
    const taking = take(async function* () {}, {
      sizeBytes,
      signal: stop.signal,
      onProgress: () => setImmediate(() => stop.abort()),
    });
    await expect(taking).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a checkpoint', () => {
  test('moves on while bytes come, with chunks of zeros too', async () => {
    const sketch: Sketch = { chunks: ['full', 'full', 'full', ...Array(7).fill('hole')], missingBytes: 0 };
    const bytes = draw(sketch);
    const { take, intake } = bench(bytes);
    const stop = new AbortController();
    const taking = take(
      async function* () {
        yield* [...uploadOf(bytes, { zeroChunks: true })].slice(0, -1);
        await new Promise(() => {});
      },
      { signal: stop.signal },
    );
    await expect.poll(() => intake().nextChunk).toBe(8);
    stop.abort(new Refusal('UNAVAILABLE', 'the agent is stopping'));
    await expect(taking).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(intake()).toEqual({
      taskId: 'task-1',
      note: 'v1',
      nextChunk: 10,
      sha512: sha512(bytes),
    });
  });

  test('is not kept unless asked for', async () => {
    const { store, asked, take, rest } = bench();
    const changes = { resume: undefined };
    await expect(take(rest(framesUpTo(6)), changes)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(store.images.get(IMAGE_ID)?.metadata.size).toBe(0);
    await expect(take(rest(framesUpTo(6)))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // Nor is it gone on with.
    expect((await take(rest(), changes)).data).toEqual(dataOf(FILE));
    expect(asked.map(({ lengthBytes }) => lengthBytes)).toEqual([0, 0, 0]);
  });

  const own = { taskId: 'task-1', note: 'v1', nextChunk: 6, sha512: 'of something' };
  test.each<[string, Record<string, string>, sizeBytes?: number]>([
    ['of another task', { [METADATA.intake]: JSON.stringify({ ...own, taskId: 'task-0' }) }],
    ['of other bytes', { [METADATA.intake]: JSON.stringify({ ...own, note: 'v0' }) }],
    ['nobody can read', { [METADATA.intake]: '{"taskId":"task-1"' }],
    ['without a digest', { [METADATA.intake]: JSON.stringify({ ...own, sha512: undefined }) }],
    ['beyond the image', { [METADATA.intake]: JSON.stringify({ ...own, nextChunk: 13 }) }],
    ['below nothing', { [METADATA.intake]: JSON.stringify({ ...own, nextChunk: -1 }) }],
    ['of an image of another size', { [METADATA.intake]: JSON.stringify(own) }, FILE.length + 1],
    [
      'a copy has begun after',
      { [METADATA.intake]: JSON.stringify(own), [METADATA.checkpoint]: '{"root":"ab","nextChunk":0}' },
    ],
    ['that is not there', {}],
  ])('%s counts for nothing: what lies there goes', async (_, metadata, sizeBytes = FILE.length) => {
    const { store, asked, take, rest } = bench();
    const left = await store.openPartial(IMAGE_ID, sizeBytes);
    await left.write(0, Buffer.alloc(CHUNK_BYTES, 9));
    for (const [key, value] of Object.entries(metadata)) await left.setMetadata(key, value);
    await left[Symbol.asyncDispose]();
    await take(rest());
    expect(asked).toEqual([{ lengthBytes: 0, sha512: sha512(Buffer.alloc(0)) }]);
    expect(store.bytesOf(IMAGE_ID)?.equals(FILE)).toBe(true);
    expect(store.images.get(IMAGE_ID)?.metadata.has(METADATA.checkpoint)).toBe(false);
  });
});

describe('what an ingest has left', () => {
  test('is told to its task alone, and asking makes no image', async () => {
    const { store, take, rest } = bench();
    expect(await keptIngest(store, IMAGE_ID, 'task-1')).toBeUndefined();
    expect(await store.list()).toEqual([]);
    await expect(take(rest(framesUpTo(6)))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await keptIngest(store, IMAGE_ID, 'task-1')).toEqual({ nextByte: 6 * CHUNK_BYTES, note: 'v1' });
    expect(await keptIngest(store, IMAGE_ID, 'task-2')).toBeUndefined();
    const keepManifest = () => Promise.reject(new Refusal('UNAVAILABLE', 'the hub is away'));
    await expect(take(rest(), { keepManifest })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await keptIngest(store, IMAGE_ID, 'task-1')).toEqual({ nextByte: FILE.length, note: 'v1' });
    await take(rest());
    expect(await keptIngest(store, IMAGE_ID, 'task-1')).toBeUndefined();
  });
});
