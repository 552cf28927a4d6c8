import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { NO_TRAFFIC, type Progress } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { READ_AHEAD_MESSAGES } from '../../../src/rpc/streams.ts';
import { FRAME_BYTES, type Frame, type FrameSource } from '../../../src/transfer/frames.ts';
import { ASKED_CHUNKS, CHECKPOINT_BYTES, lossBounds, WIDTH } from '../../../src/transfer/loss.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { type ReceiveOptions, receiveCopy } from '../../../src/transfer/receiver.ts';
import { chunksOf } from '../../../src/transfer/runs.ts';
import { framesOf } from '../../../src/transfer/sender.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import {
  chunkOf,
  draw,
  IMAGE_ID,
  manifestOf,
  SendingSource,
  type Sketch,
  sourceOf,
  storeWith,
} from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const MIB = 1024 * 1024;
const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const SAMPLE: Sketch = { chunks: [[0, 5], 'hole', 'full', [63], 'hole', [1, 2]], missingBytes: 3 * MIB };
const FULL: Sketch = { chunks: Array.from({ length: 16 }, () => 'full' as const), missingBytes: 0 };

/** A receiver with everything it needs, to receive the image of a sketch. */
async function bench(sketch: Sketch) {
  const bytes = draw(sketch);
  const memory = new MemoryStore();
  const store = new WatchedStore(memory);
  const source = new SendingSource(await storeWith(bytes));
  const slabs = new SlabPool(WIDTH + 1);
  const progress: Progress[] = [];
  const options: ReceiveOptions = {
    store,
    imageId: IMAGE_ID,
    manifest: manifestOf(bytes),
    source,
    recordJson: '{}',
    digests,
    slabs,
    onProgress: (now) => progress.push(now),
    signal: new AbortController().signal,
  };
  const receive = (changes: Partial<ReceiveOptions> = {}) => receiveCopy({ ...options, ...changes });
  const settled = () => ({ active: store.active, open: store.openImages, slabs: slabs.bytesInUse });
  const checkpoint = () => parseCheckpoint(memory.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return { bytes, memory, store, source, slabs, progress, options, receive, settled, checkpoint };
}

const SETTLED = { active: 0, open: 0, slabs: 0 };

describe('a copy', () => {
  test('is equal, sparse, and counted', async () => {
    const { bytes, memory, source, progress, options, receive } = await bench(SAMPLE);
    const { verifiedRoot, traffic } = await receive();
    const { manifest } = options;
    expect(verifiedRoot).toBe(manifest.root);
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(memory.images.get(IMAGE_ID)?.blocks.size).toBe(2 + 64 + 1 + 2);
    expect(source.sentChunks).toEqual([0, 2, 3, 5]);
    expect(traffic).toEqual({
      receivedBytes: (2 + 64 + 1 + 2) * 64 * 1024,
      wireBytes: (2 + 64 + 1 + 2) * 64 * 1024,
      holeBytes: 2 * CHUNK_BYTES,
      resumedBytes: 0,
      verifiedBytes: manifest.dataBytes,
    });
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual([
      'preparing',
      'transferring',
      'flushing',
      'verifying',
      'publishing',
    ]);
    // What was read back while the rest arrived is done when verifying begins.
    for (const [phase, most] of [
      ['transferring', 0],
      ['verifying', manifest.dataBytes],
    ] as const) {
      const done = progress.filter((now) => now.phase === phase).map(({ doneBytes }) => doneBytes);
      expect(done[0]).toBeLessThanOrEqual(most);
      expect(done.at(-1)).toEqual(manifest.dataBytes);
      expect(done.toSorted((one, other) => one - other)).toEqual(done);
    }
  });

  test('is read back while the rest of it arrives, what is flushed and nothing else', async () => {
    const { memory, store, source, receive } = await bench(FULL);
    const traffic = { ...NO_TRAFFIC };
    const unflushedReads: number[] = [];
    store.around = (call, when) => {
      if (call !== 'read' || when !== 'before') return;
      const { nextChunk } =
        parseCheckpoint(memory.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint)) ?? {};
      if (nextChunk === 0) unflushedReads.push(nextChunk);
    };
    const waiting: FrameSource = {
      width: 1,
      windowBytes: 0,
      async *pull(imageId, runs, signal) {
        for await (const frame of source.pull(imageId, runs, signal)) {
          // The last chunk does not come before the first ones are read.
          if (frame.offset >= 15 * CHUNK_BYTES) {
            await expect.poll(() => traffic.verifiedBytes).toBeGreaterThanOrEqual(CHECKPOINT_BYTES);
          }
          yield frame;
        }
      },
    };
    await receive({ source: waiting, traffic });
    expect(traffic.verifiedBytes).toBe(16 * CHUNK_BYTES);
    expect(unflushedReads).toEqual([]);
  });

  test('that is verified on arrival is not read back', async () => {
    const { bytes, memory, store, progress, options, receive } = await bench(SAMPLE);
    const { verifiedRoot, traffic } = await receive({ verify: 'arrival' });
    expect(verifiedRoot).toBe(options.manifest.root);
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(traffic.verifiedBytes).toBe(0);
    expect(store.calls).not.toContain('read');
    expect(store.calls.lastIndexOf('flush')).toBeGreaterThan(store.calls.lastIndexOf('write'));
    expect(progress.map(({ phase }) => phase)).not.toContain('verifying');
  });

  test('that is verified on arrival is refused when a hole has data in the store', async () => {
    const { memory, store, receive } = await bench(SAMPLE);
    store.around = (call, when) => {
      if (call === 'flush' && when === 'after')
        memory.images.get(IMAGE_ID)?.blocks.set(4 * 64, Buffer.alloc(64 * 1024, 7));
    };
    await expect(receive({ verify: 'arrival' })).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('of an image that is whole already sends nothing and says the same', async () => {
    const { source, options, receive, settled } = await bench(SAMPLE);
    await receive();
    source.sentChunks.length = 0;
    const again = await receive();
    expect(again.verifiedRoot).toBe(options.manifest.root);
    expect(again.traffic).toEqual(NO_TRAFFIC);
    expect([source.sentChunks, settled()]).toEqual([[], SETTLED]);
  });

  test('takes the place of a whole image with another root: it counts nowhere', async () => {
    const { receive, memory, options, settled } = await bench(SAMPLE);
    const other = manifestOf(draw(SAMPLE, 2));
    await receive();
    memory.images.get(IMAGE_ID)?.metadata.set(METADATA.root, other.root);
    const again = await receive();
    expect(again.verifiedRoot).toBe(options.manifest.root);
    expect(again.traffic.receivedBytes).toBeGreaterThan(0);
    expect(settled()).toEqual(SETTLED);
  });

  test('leaves a whole image that is not ours alone', async () => {
    const { receive, memory, settled } = await bench(SAMPLE);
    await receive();
    memory.images.get(IMAGE_ID)?.metadata.clear();
    await expect(receive()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(settled()).toEqual(SETTLED);
  });

  test('of an image without data is whole without asking the source', async () => {
    const { bytes, memory, source, receive } = await bench({ chunks: ['hole', 'hole'], missingBytes: 1 });
    await receive();
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(source.requests).toEqual([]);
  });
});

describe('what lies in the store before', () => {
  test('is taken over when it is of the same root, and counted', async () => {
    const { bytes, memory, source, receive, options, checkpoint } = await bench(FULL);
    let frames = 0;
    source.onFrame = (frame) => {
      if (++frames > 40) throw new Refusal('UNAVAILABLE', 'cut');
      return frame;
    };
    await expect(receive()).rejects.toThrow('cut');
    // All ten chunks that were complete: a failure of the source costs nothing that has arrived.
    expect(checkpoint()).toEqual({ root: options.manifest.root, nextChunk: 10 });
    source.onFrame = (frame) => frame;
    source.sentChunks.length = 0;
    const { traffic } = await receive();
    expect(source.sentChunks).toEqual([10, 11, 12, 13, 14, 15]);
    expect(traffic).toMatchObject({ resumedBytes: 10 * CHUNK_BYTES, receivedBytes: 6 * CHUNK_BYTES });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test.each<[string, string | undefined]>([
    ['of another root', JSON.stringify({ root: 'ab', nextChunk: 6 })],
    ['without a checkpoint', undefined],
    ['with a checkpoint that is none', '{"root":'],
    ['with a checkpoint cleared', ''],
  ])('is discarded when it is %s', async (_, text) => {
    const { bytes, memory, source, receive } = await bench(SAMPLE);
    const left = await memory.openPartial(IMAGE_ID, bytes.length);
    await left.write(CHUNK_BYTES, Buffer.alloc(100, 9));
    if (text !== undefined) await left.setMetadata(METADATA.checkpoint, text);
    await left[Symbol.asyncDispose]();
    await receive();
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(source.sentChunks).toEqual([0, 2, 3, 5]);
  });
});

describe('bytes that are wrong', () => {
  test('on arrival are CORRUPT, name the chunk, and are not written', async () => {
    const { memory, source, receive, settled } = await bench(SAMPLE);
    source.onFrame = (frame) => {
      if (frame.offset < 2 * CHUNK_BYTES || frame.offset >= 3 * CHUNK_BYTES) return frame;
      const data = Buffer.from(frame.data);
      data.writeUInt8(data.readUInt8(0) ^ 1, 0);
      return { ...frame, data };
    };
    await expect(receive()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('chunk 2 '),
    });
    const written = memory.bytesOf(IMAGE_ID) ?? Buffer.alloc(0);
    expect(chunkOf(written, 2).equals(Buffer.alloc(CHUNK_BYTES))).toBe(true);
    expect(settled()).toEqual(SETTLED);
  });

  test('in the store are pulled once more, zeros included, and counted once', async () => {
    const { bytes, memory, store, source, options, receive } = await bench(SAMPLE);
    damageBeforeVerify(store, () => {
      memory.damage(IMAGE_ID, 2 * CHUNK_BYTES + 5);
      // In a block that is zeros in the source.
      memory.damage(IMAGE_ID, 3 * CHUNK_BYTES + 5);
    });
    const { traffic } = await receive();
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(source.requests.at(-1)).toEqual([{ firstChunk: 2, chunkCount: 2 }]);
    expect(traffic.verifiedBytes).toBe(options.manifest.dataBytes);
  });

  test('in the store again after that are CORRUPT, and not published', async () => {
    const { memory, store, receive, settled } = await bench(SAMPLE);
    store.around = (call, when) => {
      if (call === 'flush' && when === 'after')
        memory.images.get(IMAGE_ID)?.blocks.set(2 * 64, Buffer.alloc(64 * 1024, 7));
    };
    await expect(receive()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('chunk 2 '),
    });
    expect([memory.images.get(IMAGE_ID)?.form, settled()]).toEqual(['partial', SETTLED]);
  });

  test('in a hole are CORRUPT, and the next attempt starts from nothing', async () => {
    const { bytes, memory, store, source, receive, checkpoint } = await bench(SAMPLE);
    damageBeforeVerify(store, () => memory.damage(IMAGE_ID, 4 * CHUNK_BYTES + 99));
    await expect(receive()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('chunk 4 '),
    });
    expect([memory.images.get(IMAGE_ID)?.form, checkpoint()]).toEqual(['partial', undefined]);
    store.around = () => {};
    source.sentChunks.length = 0;
    await receive();
    expect(source.sentChunks).toEqual([0, 2, 3, 5]);
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test('in a hole that are zeros are right', async () => {
    const { bytes, memory, store, receive } = await bench(SAMPLE);
    damageBeforeVerify(store, () => memory.images.get(IMAGE_ID)?.blocks.set(64, Buffer.alloc(64 * 1024)));
    await receive();
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });
});

describe('a source that does not keep to what was asked', () => {
  const bytes = draw(SAMPLE);
  const framesOfChunk = (chunk: number) => [...framesOf(chunk * CHUNK_BYTES, chunkOf(bytes, chunk))];
  const good = [0, 2, 3, 5].flatMap(framesOfChunk);
  const frame = (offset: number, length: number, last = false): Frame => ({
    offset,
    data: Buffer.alloc(length, 1),
    last,
  });

  test('the frames it should send are taken', async () => {
    const { memory, receive } = await bench(SAMPLE);
    await receive({ source: sourceOf(good) });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test.each<[string, Frame[], RegExp]>([
    ['a chunk nobody asked for', [frame(CHUNK_BYTES, 10, true)], /not part of it/],
    ['the second chunk first', framesOfChunk(2), /not part of it/],
    ['a frame before its chunk', [...framesOfChunk(0), frame(2 * CHUNK_BYTES - 10, 10)], /not part of it/],
    ['a frame across the end of its chunk', [frame(CHUNK_BYTES - 10, 11, true)], /beyond its end/],
    [
      'a frame across the end of the image',
      [...good.slice(0, -1), frame(bytes.length - 1, 2, true)],
      /beyond its end/,
    ],
    ['a frame twice', [frame(0, 100), frame(0, 100)], /after what follows/],
    ['frames that overlap', [frame(0, 100), frame(99, 100)], /after what follows/],
    ['a frame too large', [frame(0, FRAME_BYTES + 1, true)], /larger than/],
    ['an empty frame', [frame(0, 0)], /carries nothing/],
    ['nothing', [], /ended before the end of chunk 0/],
    ['half a chunk', [frame(0, 100)], /ended before the end of chunk 0/],
    ['all but the last chunk', good.slice(0, -1), /ended before the end of chunk 5/],
    ['more than all', [...good, frame(5 * CHUNK_BYTES, 1)], /came after all/],
    ['an offset that is none', [frame(Number.NaN, 10, true)], /not part of it/],
  ])('sending %s is INVALID', async (_, frames, message) => {
    const { memory, receive, settled } = await bench(SAMPLE);
    await expect(receive({ source: sourceOf(frames) })).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(message),
    });
    expect([memory.images.get(IMAGE_ID)?.form, settled()]).toEqual(['partial', SETTLED]);
  });
});

describe('failures', () => {
  test('of the store pass through, also while the source is silent', async () => {
    const { memory, receive, settled, bytes } = await bench(FULL);
    memory.capacityBytes = 5 * CHUNK_BYTES;
    let pulledAfterFull = false;
    const source: FrameSource = {
      width: 1,
      windowBytes: 0,
      async *pull(_, runs, signal) {
        for (const chunk of chunksOf(runs)) {
          if (chunk >= 7) {
            await untilAborted(signal);
            pulledAfterFull = true;
          }
          yield* framesOf(chunk * CHUNK_BYTES, chunkOf(bytes, chunk));
        }
      },
    };
    await expect(receive({ source })).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect([settled(), pulledAfterFull]).toEqual([SETTLED, false]);
    // Closed, so that whoever decides so can make room.
    await memory.discard(IMAGE_ID);
    expect(memory.usedBytes).toBe(0);
  });

  test('of the store to read back end a copy whose source is silent', async () => {
    const { store, source, receive, settled } = await bench(FULL);
    let callsBefore = 0;
    store.around = (call, when) => {
      if (call !== 'read' || when !== 'before') return;
      callsBefore ||= store.calls.length;
      throw new Refusal('UNAVAILABLE', 'cannot be read');
    };
    const silent: FrameSource = {
      width: 1,
      windowBytes: 0,
      async *pull(imageId, runs, signal) {
        for await (const frame of source.pull(imageId, runs, signal)) {
          if (frame.offset >= 12 * CHUNK_BYTES) await untilAborted(signal);
          yield frame;
        }
      },
    };
    await expect(receive({ source: silent })).rejects.toThrow('cannot be read');
    expect(settled()).toEqual(SETTLED);
    // Nor is it asked to flush what it has, once it has failed.
    expect(store.calls.slice(callsBefore)).not.toContain('flush');
  });

  test('of the store keep what else is in flight from it', async () => {
    const { store, receive } = await bench(FULL);
    store.around = (call, when) => {
      if (call === 'write' && when === 'before') throw new Refusal('UNAVAILABLE', 'gone');
    };
    await expect(receive()).rejects.toThrow('gone');
    expect(store.calls.filter((call) => call === 'write' || call === 'flush')).toEqual(['write']);
  });

  test('after a flush that failed no checkpoint says the bytes are there', async () => {
    const { memory, store, receive, checkpoint } = await bench(FULL);
    let flushes = 0;
    store.around = (call, when) => {
      if (call !== 'flush' || when !== 'before') return;
      if (++flushes === 2) throw new Refusal('INTERNAL', 'input/output error');
    };
    await expect(receive()).rejects.toThrow('input/output error');
    expect(flushes).toBe(2);
    memory.crash(() => 'old');
    expect(checkpoint()?.nextChunk).toBeLessThan(16);
    for (let chunk = 0; chunk < (checkpoint()?.nextChunk ?? 0); chunk++) {
      expect(chunkOf(memory.bytesOf(IMAGE_ID) ?? Buffer.alloc(0), chunk).every((byte) => byte !== 0)).toBe(
        true,
      );
    }
  });

  test('by abort reject with the reason, at once, with everything settled', async () => {
    const { source, receive, settled } = await bench(FULL);
    const stop = new AbortController();
    let frames = 0;
    source.onFrame = (frame) => {
      if (++frames === 9) stop.abort(new Refusal('TIMEOUT', 'the agent is being stopped'));
      return frame;
    };
    await expect(receive({ signal: stop.signal })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(settled()).toEqual(SETTLED);
    await expect(receive({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('leave the traffic of the attempt with the caller', async () => {
    const { source, receive } = await bench(FULL);
    const traffic = { ...NO_TRAFFIC };
    source.onFrame = (frame) => {
      if (frame.offset >= 3 * CHUNK_BYTES) throw new Refusal('UNAVAILABLE', 'cut');
      return frame;
    };
    await expect(receive({ traffic })).rejects.toThrow('cut');
    expect(traffic).toMatchObject({ receivedBytes: 3 * CHUNK_BYTES });
  });
});

describe('bounds', () => {
  test('a store that does not write stops the source', async () => {
    const { store, source, slabs, receive } = await bench(FULL);
    const stop = new AbortController();
    const never = Promise.withResolvers<void>();
    store.around = (call, when) => (call === 'write' && when === 'before' ? never.promise : undefined);
    const receiving = receive({ signal: stop.signal });
    // WIDTH chunks wait to be written, one more is complete and waits for a place.
    await expect.poll(() => source.sentBytes).toBe((WIDTH + 1) * CHUNK_BYTES);
    await quiet(() => source.sentBytes);
    expect(source.sentBytes).toBe((WIDTH + 1) * CHUNK_BYTES);
    expect(slabs.bytesInUse).toBe((WIDTH + 1) * CHUNK_BYTES);
    stop.abort();
    never.resolve();
    await expect(receiving).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(slabs.bytesInUse).toBe(0);
  });

  test('a flush that does not end lets no more be sent than may be lost', async () => {
    const { store, source, receive, checkpoint } = await bench(FULL);
    source.windowBytes = 16 * MIB;
    const stop = new AbortController();
    const never = Promise.withResolvers<void>();
    store.around = (call, when) => (call === 'flush' && when === 'before' ? never.promise : undefined);
    const receiving = receive({ signal: stop.signal });
    // What is on its way in the window counts as well; the next chunk's first frame waits in the receiver's hand.
    const most = 11 * CHUNK_BYTES + FRAME_BYTES;
    await expect.poll(() => source.sentBytes).toBe(most);
    await quiet(() => source.sentBytes);
    expect(source.sentBytes).toBe(most);
    expect(checkpoint()?.nextChunk).toBe(0);
    stop.abort();
    never.resolve();
    await expect(receiving).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test.each([0, 1, 4, 16, 24, 32])(
    'what is sent again after a SIGKILL is at most 64 MiB, with a window of %i MiB',
    (windowMib) => {
      const waiting = FRAME_BYTES;
      const readAhead = READ_AHEAD_MESSAGES * FRAME_BYTES + FRAME_BYTES;
      const { everyChunks, begunChunks, askedChunks } = lossBounds(CHECKPOINT_BYTES, ASKED_CHUNKS);
      const begun = begunChunks(windowMib * MIB);
      expect(begun * CHUNK_BYTES + waiting + readAhead + windowMib * MIB).toBeLessThanOrEqual(64 * MIB);
      // Of several pulls; and so many are looked at after it, whatever there was.
      expect(askedChunks * CHUNK_BYTES).toBeLessThan(64 * MIB);
      expect(begun).toBeLessThan(askedChunks);
      // What keeps `begin` from waiting for ever, see there: of a group of four, three may have begun and wait.
      expect(Math.min(begun, askedChunks - 3)).toBeGreaterThanOrEqual(everyChunks);
    },
  );
});

/** A peer that hangs: only the signal wakes this up. */
function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Refusal('CANCELLED', 'stopped')), { once: true });
    if (signal.aborted) reject(new Refusal('CANCELLED', 'stopped'));
  });
}

function damageBeforeVerify(store: WatchedStore, damage: () => void): void {
  let damaged = false;
  store.around = (call, when) => {
    // The first read comes after the last write: what is damaged now is what verification finds.
    if (call !== 'read' || when !== 'before' || damaged) return;
    damaged = true;
    damage();
  };
}

/** Waits until a count has stood still for a hundred turns of the event loop. */
async function quiet(count: () => number): Promise<void> {
  for (let still = 0, before = count(); still < 100; still++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (count() !== before) still = 0;
    before = count();
  }
}
