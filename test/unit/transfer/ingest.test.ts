import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import type { Progress } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { type IngestOptions, ingest } from '../../../src/transfer/ingest.ts';
import type { Manifest } from '../../../src/transfer/manifest.ts';
import { METADATA } from '../../../src/transfer/metadata.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import {
  dataOf,
  draw,
  endOf,
  IMAGE_ID,
  keepAll,
  manifestOf,
  type Sketch,
  sketches,
  uploadOf,
} from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const SAMPLE: Sketch = { chunks: ['hole', [0, 5], 'hole', 'full', [1, 2], 'hole'], missingBytes: 70_000 };
const SETTLED = { active: 0, open: 0, slabs: 0 };

function bench(bytes: Buffer) {
  const memory = new MemoryStore();
  const store = new WatchedStore(memory);
  const slabs = new SlabPool(5);
  const progress: Progress[] = [];
  const kept: Manifest[] = [];
  const take = (frames: Iterable<Frame> | AsyncIterable<Frame>, changes: Partial<IngestOptions> = {}) =>
    ingest({
      store,
      imageId: IMAGE_ID,
      taskId: 'task-1',
      sizeBytes: bytes.length,
      frames: () => asynchronous(frames),
      intake: keepAll({ recordJson: '{"name":"new"}', formatJson: '{}' }),
      keepManifest: async (manifest) => void kept.push(manifest),
      digests,
      slabs,
      onProgress: (now) => progress.push(now),
      signal: new AbortController().signal,
      ...changes,
    });
  const settled = () => ({ active: store.active, open: store.openImages, slabs: slabs.bytesInUse });
  return { memory, store, slabs, progress, kept, take, settled };
}

async function* asynchronous<T>(values: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* values;
}

describe('an ingested image', () => {
  test('is what was sent, with its digests and manifest', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(sketches(1, 8), fc.boolean(), async (sketch, zeroChunks) => {
        const bytes = draw(sketch);
        const { memory, kept, take, settled, progress } = bench(bytes);
        const { data, traffic } = await take(uploadOf(bytes, { zeroChunks }));
        expect(data).toEqual(dataOf(bytes));
        expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
        const held = memory.images.get(IMAGE_ID);
        expect(held?.form).toBe('whole');
        expect(kept.map((manifest) => manifest.root)).toEqual([data.root]);
        expect(Object.fromEntries(held?.metadata ?? [])).toEqual({
          [METADATA.uuid]: IMAGE_ID,
          [METADATA.root]: data.root,
          [METADATA.record]: '{"name":"new"}',
          [METADATA.format]: '{}',
          [METADATA.data]: JSON.stringify(data),
          [METADATA.task]: 'task-1',
        });
        expect(traffic).toMatchObject({
          holeBytes: bytes.length - data.dataBytes,
          verifiedBytes: data.dataBytes,
          resumedBytes: 0,
        });
        expect(progress.at(-1)).toMatchObject({ phase: 'publishing', totalBytes: data.dataBytes });
        expect(settled()).toEqual(SETTLED);
      }),
      { numRuns: 10 },
    );
  });

  test('of no bytes is one too', async () => {
    const { memory, take } = bench(Buffer.alloc(0));
    const { data } = await take([endOf(0)]);
    expect(data).toEqual(dataOf(Buffer.alloc(0)));
    expect(memory.images.get(IMAGE_ID)?.form).toBe('whole');
  });

  test('is told again without taking a frame: a crash may have come between publishing and reporting', async () => {
    const bytes = draw(SAMPLE);
    const { take, kept } = bench(bytes);
    const first = await take(uploadOf(bytes));
    let taken = 0;
    const again = await take(
      (function* () {
        taken++;
        yield* uploadOf(bytes);
      })(),
    );
    expect([again.data, taken, kept.length]).toEqual([first.data, 0, 1]);
  });

  test('does not mix with what another upload left', async () => {
    const bytes = draw(SAMPLE);
    const { memory, take } = bench(bytes);
    const left = await memory.openPartial(IMAGE_ID, bytes.length);
    await left.write(0, Buffer.alloc(100, 9));
    await left.setMetadata(
      METADATA.checkpoint,
      JSON.stringify({ root: manifestOf(bytes).root, nextChunk: 6 }),
    );
    await left[Symbol.asyncDispose]();
    await take(uploadOf(bytes));
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    expect(memory.images.get(IMAGE_ID)?.metadata.has(METADATA.checkpoint)).toBe(false);
  });

  test('takes the place of what another task left whole: it counts nowhere', async () => {
    const [bytes, other] = [draw(SAMPLE), draw(SAMPLE, 2)];
    const { memory, take } = bench(bytes);
    await take(uploadOf(other), { taskId: 'task-0' });
    const { data } = await take(uploadOf(bytes));
    expect(data.root).toBe(manifestOf(bytes).root);
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });

  test('leaves an image that is not ours alone', async () => {
    const bytes = draw(SAMPLE);
    const { memory, take } = bench(bytes);
    await take(uploadOf(bytes));
    memory.images.get(IMAGE_ID)?.metadata.clear();
    await expect(take(uploadOf(bytes))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
  });
});

describe('frames that are not an image of that size', () => {
  const bytes = draw(SAMPLE);
  const good = [...uploadOf(bytes)];
  const frame = (offset: number, length: number, last = false): Frame => ({
    offset,
    data: Buffer.alloc(length, 1),
    last,
  });

  test.each<[string, Frame[], string]>([
    ['nothing', [], `ended after 0 of ${bytes.length} bytes`],
    ['no end', good.slice(0, -1), `ended after ${4 * CHUNK_BYTES + 3 * 65536} of ${bytes.length} bytes`],
    [
      'an end too early',
      [...good.slice(0, -1), endOf(bytes.length - 1)],
      `ended after ${bytes.length - 1} of`,
    ],
    ['an end too late', [...good.slice(0, -1), endOf(bytes.length + 1)], 'longer than the'],
    ['more than was said', [frame(bytes.length - 1, 2, true)], 'longer than the'],
    ['bytes after the size', [frame(bytes.length, 1, true)], 'longer than the'],
    ['a frame after the end', [...good, frame(0, 1)], 'came after the one that ended'],
    ['two ends', [...good, endOf(bytes.length)], 'came after the one that ended'],
    ['a chunk twice', [frame(0, 1, true), frame(0, 1, true)], 'complete'],
    ['chunks that fall', [frame(CHUNK_BYTES, 1, true), frame(0, 1, true)], 'complete'],
    ['a chunk without its end', [frame(0, 1), frame(CHUNK_BYTES + 1, 1)], 'not part of it'],
    ['a frame across chunks', [frame(CHUNK_BYTES - 1, 2)], 'beyond its end'],
    ['an empty frame at the end that does not end', [frame(bytes.length, 0)], 'complete'],
  ])('%s is INVALID', async (_, frames, message) => {
    const { memory, take, kept, settled } = bench(bytes);
    await expect(take(frames)).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(message),
    });
    expect([memory.images.get(IMAGE_ID)?.form, kept, settled()]).toEqual(['partial', [], SETTLED]);
  });
});

describe('an ingest that fails', () => {
  const bytes = draw(SAMPLE);

  test('does not publish before the manifest is kept', async () => {
    const { memory, take, settled } = bench(bytes);
    const keepManifest = () => Promise.reject(new Refusal('UNAVAILABLE', 'the hub is away'));
    await expect(take(uploadOf(bytes), { keepManifest })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([memory.images.get(IMAGE_ID)?.form, settled()]).toEqual(['partial', SETTLED]);
  });

  test.each([3, 4 * CHUNK_BYTES + 65536 * 40])(
    'for bytes at %d that do not read back is CORRUPT',
    async (offset) => {
      const { memory, store, take, kept } = bench(bytes);
      let reads = 0;
      store.around = (call, when) => {
        if (call === 'read' && when === 'before' && ++reads === 1) memory.damage(IMAGE_ID, offset);
      };
      await expect(take(uploadOf(bytes))).rejects.toMatchObject({ code: 'CORRUPT' });
      expect([memory.images.get(IMAGE_ID)?.form, kept]).toEqual(['partial', []]);
    },
  );

  test('does not give a slab back that a digest is still made of', async () => {
    const hold = Promise.withResolvers<void>();
    class SlowPool extends DigestPool {
      override async sha256(chunk: Uint8Array): Promise<Buffer> {
        await hold.promise;
        return await super.sha256(chunk);
      }
    }
    await using slow = new SlowPool({ threads: 1 });
    const { store, take, slabs } = bench(bytes);
    const failed = Promise.withResolvers<void>();
    store.around = (call, when) => {
      if (call !== 'write' || when !== 'before') return;
      failed.resolve();
      throw new Refusal('UNAVAILABLE', 'as planned');
    };
    const taking = take(uploadOf(bytes), { digests: slow });
    taking.catch(() => {});
    await failed.promise;
    // Another ingest from its start to its end: by then the first one's other threads are long done.
    await bench(bytes).take(uploadOf(bytes));
    expect(slabs.bytesInUse).toBeGreaterThan(0);
    hold.resolve();
    await expect(taking).rejects.toThrow('as planned');
    expect(slabs.bytesInUse).toBe(0);
  });

  test('for want of space says so while the uploader is silent', async () => {
    const { memory, take, settled } = bench(bytes);
    memory.capacityBytes = 10 * 65536;
    const silent = async function* () {
      yield* good(bytes).slice(0, -1);
      await new Promise(() => {});
    };
    await expect(take(silent())).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(settled()).toEqual(SETTLED);
  });

  test('by abort gives everything back, in a large hole too', async () => {
    const { take, settled, slabs } = bench(bytes);
    const stop = new AbortController();
    const sizeBytes = 2 ** 44;
    const frames = async function* () {
      yield* [{ offset: 0, data: Buffer.alloc(1, 1), last: true }];
      setImmediate(() => stop.abort());
      yield endOf(sizeBytes);
    };
    await expect(take(frames(), { sizeBytes, signal: stop.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect([settled(), slabs.bytesInUse]).toEqual([SETTLED, 0]);
  });

  test('at any call of the store ends as if it had not been, when it is done again', {
    timeout: 60_000,
  }, async () => {
    const { store, take } = bench(bytes);
    await take(uploadOf(bytes));
    const calls = store.calls.length;
    for (let failing = 1; failing <= calls; failing += 4) {
      const once = bench(bytes);
      let count = 0;
      once.store.around = (_call, when) => {
        if (when === 'before' && ++count === failing) throw new Refusal('UNAVAILABLE', 'as planned');
      };
      const outcome = await once.take(uploadOf(bytes)).then(
        () => 'done',
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject({ code: 'UNAVAILABLE' });
      expect(once.settled()).toEqual(SETTLED);
      expect((await once.take(uploadOf(bytes))).data).toEqual(dataOf(bytes));
    }
  });
});

function good(bytes: Buffer): Frame[] {
  return [...uploadOf(bytes)];
}

describe('bounds', () => {
  test('a store that does not write stops the upload', async () => {
    const bytes = draw({ chunks: Array.from({ length: 12 }, () => 'full' as const), missingBytes: 0 });
    const { store, take, slabs } = bench(bytes);
    const never = Promise.withResolvers<void>();
    const stop = new AbortController();
    store.around = (call, when) => (call === 'write' && when === 'before' ? never.promise : undefined);
    let taken = 0;
    const counted = function* () {
      for (const frame of uploadOf(bytes)) {
        taken += frame.data.length;
        yield frame;
      }
    };
    const taking = take(counted(), { signal: stop.signal });
    await expect.poll(() => slabs.bytesInUse).toBe(5 * CHUNK_BYTES);
    await expect.poll(() => store.active).toBe(4);
    expect(taken).toBeLessThanOrEqual(5 * CHUNK_BYTES);
    stop.abort();
    never.resolve();
    await expect(taking).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(slabs.bytesInUse).toBe(0);
  });
});
