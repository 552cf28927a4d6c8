import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { NO_TRAFFIC, type Progress } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import type { Frame, FrameSource } from '../../../src/transfer/frames.ts';
import { unlessAborted } from '../../../src/transfer/in-flight.ts';
import { ASKED_CHUNKS, MOST_PULLS } from '../../../src/transfer/loss.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { type ReceiveOptions, receiveCopy } from '../../../src/transfer/receiver.ts';
import { chunksOf } from '../../../src/transfer/runs.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { chunkOf, draw, IMAGE_ID, manifestOf, SendingSource, storeWith } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

/** A block of data in each chunk: quick to move. */
const CHUNKS = 90;
const bytes = draw({ chunks: Array.from({ length: CHUNKS }, () => [1]), missingBytes: 0 });
const manifest = manifestOf(bytes);
const ALL = Array.from({ length: CHUNKS }, (_, chunk) => chunk);

async function bench(content = bytes) {
  const memory = new MemoryStore();
  const store = new WatchedStore(memory);
  const source = new SendingSource(await storeWith(content));
  const slabs = new SlabPool(6);
  const progress: Progress[] = [];
  const receive = (changes: Partial<ReceiveOptions> = {}) =>
    receiveCopy({
      store,
      imageId: IMAGE_ID,
      manifest: content === bytes ? manifest : manifestOf(content),
      source,
      recordJson: '{}',
      digests,
      slabs,
      onProgress: (now) => progress.push(now),
      signal: new AbortController().signal,
      ...changes,
    });
  const asked = () => source.requests.map((runs) => [...chunksOf(runs)]);
  const checkpoint = () => parseCheckpoint(memory.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return { memory, store, source, slabs, progress, receive, asked, checkpoint };
}

describe('a copy asks', () => {
  test('in one pull for a little, then for all the rest', async () => {
    const { source, receive, asked } = await bench();
    await receive();
    expect(asked().map(({ length }) => length)).toEqual([4, 86]);
    expect([asked().flat(), source.mostActive]).toEqual([ALL, 1]);
  });

  test.each([
    [2, 4],
    [4, 2],
    [8, 1],
  ])(
    'in %i pulls for up to %i chunks each, in rising order, and for less towards the end',
    async (width, most) => {
      const { memory, source, slabs, receive, asked } = await bench();
      source.width = width;
      let slabsAtOnce = 0;
      source.onFrame = (frame) => {
        slabsAtOnce = Math.max(slabsAtOnce, slabs.bytesInUse / CHUNK_BYTES);
        return frame;
      };
      await receive();
      expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
      expect(asked().flat()).toEqual(ALL);
      const lengths = asked().map(({ length }) => length);
      expect(Math.max(...lengths)).toBe(most);
      expect(lengths.slice(-2)).toEqual([1, 1]);
      expect(source.mostActive).toBe(width);
      expect(slabsAtOnce).toBeLessThanOrEqual(Math.max(6, width + 2));
      expect([slabs.bytesInUse, slabs.count]).toEqual([0, 6]);
    },
  );

  test('in as many pulls as there may be, however many connections there are', async () => {
    const { source, receive } = await bench();
    source.width = 20;
    await receive();
    expect(source.mostActive).toBe(MOST_PULLS);
  });

  test('in more pulls when there are more, from the end of the first request on', async () => {
    const { memory, source, receive, asked } = await bench();
    source.onFrame = (frame) => {
      if (frame.offset >= 2 * CHUNK_BYTES) source.width = 3;
      return frame;
    };
    await receive();
    expect(source.mostActive).toBe(3);
    expect(asked()[0]).toEqual([0, 1, 2, 3]);
    expect(asked()[1]?.length).toBe(2);
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });
});

describe('of several pulls', () => {
  test('one that stands still holds up the others at the bound, and not for longer', async () => {
    const { memory, source, receive } = await bench();
    source.width = 4;
    const go = Promise.withResolvers<void>();
    source.onFrame = async (frame) => {
      if (frame.offset < 2 * CHUNK_BYTES) await go.promise;
      return frame;
    };
    const receiving = receive();
    // Two are asked for by the pull that stands still; one has begun, and waits for the other of its group.
    await expect.poll(() => new Set(source.sentChunks).size).toBe(ASKED_CHUNKS - 3);
    await quiet(() => source.sentChunks.length);
    expect(new Set(source.sentChunks).size).toBe(ASKED_CHUNKS - 3);
    go.resolve();
    await receiving;
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test('no more is asked for than may be lost, while a flush does not end', async () => {
    const { store, source, receive, asked, checkpoint } = await bench();
    source.width = MOST_PULLS;
    const stop = new AbortController();
    const never = Promise.withResolvers<void>();
    store.around = (call, when) => (call === 'flush' && when === 'before' ? never.promise : undefined);
    const receiving = receive({ signal: stop.signal });
    await expect.poll(() => asked().flat().length).toBe(ASKED_CHUNKS);
    await quiet(() => source.sentChunks.length);
    expect([asked().flat().length, checkpoint()?.nextChunk]).toEqual([ASKED_CHUNKS, 0]);
    stop.abort();
    never.resolve();
    await expect(receiving).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('one that fails ends the copy with its reason; what the others brought stays', async () => {
    const { store, source, slabs, receive } = await bench();
    source.width = 4;
    source.onFrame = (frame) => {
      if (frame.offset >= 40 * CHUNK_BYTES && frame.offset < 41 * CHUNK_BYTES)
        throw new Refusal('UNAVAILABLE', 'the link of one is gone');
      return frame;
    };
    await expect(receive()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the link of one is gone',
    });
    expect([source.active, slabs.bytesInUse, slabs.count, store.active, store.openImages]).toEqual([
      0, 0, 6, 0, 0,
    ]);
    source.onFrame = (frame) => frame;
    const before = new Set(source.sentChunks);
    source.sentChunks.length = 0;
    const { traffic } = await receive();
    // What was in the hands of one of the four when the other failed.
    expect(source.sentChunks.filter((chunk) => before.has(chunk)).length).toBeLessThanOrEqual(4);
    // Groups of two, in the hands of four.
    expect(traffic.resumedBytes).toBeGreaterThanOrEqual((40 - 2 * 4) * CHUNK_BYTES);
  });
});

test('pulls that share one line, where each frame waits for the one before, do not wait for one another for ever', async () => {
  // Two frames for each chunk: between them another pull has its turn.
  const content = draw({ chunks: Array.from({ length: 24 }, () => [1, 40]), missingBytes: 0 });
  const { memory, source, receive } = await bench(content);
  let line: Promise<void> = Promise.resolve();
  const shared: FrameSource = {
    width: 4,
    windowBytes: 0,
    async *pull(imageId, runs, signal) {
      for await (const frame of source.pull(imageId, runs, signal)) {
        const before = line;
        const mine = Promise.withResolvers<void>();
        line = before.then(() => mine.promise);
        try {
          await unlessAborted(before, signal);
          // Taken when the next one is asked for: by then it is in its slab.
          yield frame;
        } finally {
          mine.resolve();
        }
      }
    },
  };
  await receive({ source: shared, slabs: new SlabPool(1), signal: AbortSignal.timeout(15_000) });
  expect(memory.bytesOf(IMAGE_ID)?.equals(content)).toBe(true);
});

describe('what comes packed', () => {
  /** Half of the chunks packed, in the frames and with the word of a sender that packs. */
  const packing: FrameSource = {
    width: 1,
    windowBytes: 0,
    async *pull(_, runs) {
      for (const chunk of chunksOf(runs)) {
        const data = chunkOf(bytes, chunk).subarray(65536, 2 * 65536);
        const offset = chunk * CHUNK_BYTES + 65536;
        const plain: Frame = { offset, data, last: true, compression: 'link-keeps-up' };
        const packed = {
          data: zstdCompressSync(data),
          unpackedBytes: data.length,
          compression: 'on',
        } as const;
        yield chunk % 2 === 0 ? plain : { ...plain, ...packed };
      }
    },
  };

  test('is unpacked, counted as it is and as it came, and said', async () => {
    const { memory, progress, receive } = await bench();
    const traffic = { ...NO_TRAFFIC };
    await receive({ source: packing, traffic });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    const packedBytes = ALL.filter((chunk) => chunk % 2 === 1)
      .map((chunk) => zstdCompressSync(chunkOf(bytes, chunk).subarray(65536, 2 * 65536)).length)
      .reduce((sum, length) => sum + length, 0);
    expect(traffic).toMatchObject({
      receivedBytes: CHUNKS * 65536,
      wireBytes: (CHUNKS / 2) * 65536 + packedBytes,
    });
    expect(new Set(progress.map(({ compression }) => compression))).toEqual(
      new Set([undefined, 'link-keeps-up', 'on']),
    );
    expect(progress.at(-1)).toMatchObject({ compression: 'on', wireBytes: traffic.wireBytes });
  });

  test('and does not unpack is CORRUPT, and nothing of it is written', async () => {
    const { memory, receive } = await bench();
    const broken: FrameSource = {
      width: 1,
      windowBytes: 0,
      async *pull(_, runs) {
        const offset = (runs[0]?.firstChunk ?? 0) * CHUNK_BYTES;
        yield { offset, data: randomBytes(1000), last: true, unpackedBytes: 65536 };
      },
    };
    await expect(receive({ source: broken })).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(memory.images.get(IMAGE_ID)?.blocks.size).toBe(0);
  });
});

/** Waits until a count has stood still for longer than a chunk takes. */
async function quiet(count: () => number): Promise<void> {
  for (let before = -1; count() !== before; await delay(200)) before = count();
}
