import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { unlessAborted } from '../../../src/transfer/in-flight.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { receiveCopy } from '../../../src/transfer/receiver.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { chunkOf, draw, IMAGE_ID, manifestOf, SendingSource, storeWith } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 2 });
afterAll(() => digests[Symbol.asyncDispose]());

const CHUNKS = 28;
const CHECKPOINT_CHUNKS = 2;
const ASKED_CHUNKS = 9;
/** An attempt takes a second at most; one that waits for itself would take for ever. */
const STANDSTILL_MS = 10_000;

const bytes = draw({ chunks: Array.from({ length: CHUNKS }, () => [2]), missingBytes: 0 });
const manifest = manifestOf(bytes);
const whole = await storeWith(bytes);

/** A pool that stays as small as it is. */
class TightPool extends SlabPool {
  override resize(): void {}
}

const ways = fc.record({
  width: fc.integer({ min: 2, max: 4 }),
  slabs: fc.integer({ min: 1, max: 4 }),
  /** How long the frames of chunks take, of the chunks in turn, in ms. */
  frameMs: fc.array(fc.constantFrom(0, 0, 1, 5, 30), { minLength: 1, maxLength: 7 }),
  /** And writes, in the order of the calls. */
  writeMs: fc.array(fc.constantFrom(0, 0, 1, 8), { minLength: 1, maxLength: 5 }),
  flushMs: fc.constantFrom(0, 5, 60),
  /** The power fails at this call for a write or a flush, and nothing survives that was not flushed. */
  failsAt: fc.integer({ min: 5, max: CHUNKS + 8 }),
});

test('when the power fails under several pulls, the checkpoint is true and no more than the bound is sent again', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(ways, async ({ width, slabs, frameMs, writeMs, flushMs, failsAt }) => {
      const memory = new MemoryStore();
      const store = new WatchedStore(memory);
      const source = new SendingSource(whole);
      source.width = width;
      source.onFrame = async (frame) => {
        await delayed(frameMs, Math.floor(frame.offset / CHUNK_BYTES));
        return frame;
      };
      let calls = 0;
      store.around = async (call, when) => {
        if (when !== 'before' || (call !== 'write' && call !== 'flush')) return;
        calls++;
        if (call === 'write') await delayed(writeMs, calls);
        else await delay(flushMs);
        if (calls >= failsAt) throw new Refusal('UNAVAILABLE', 'the power is off');
      };
      const receive = () => {
        const attempt = receiveCopy({
          store,
          imageId: IMAGE_ID,
          manifest,
          source,
          recordJson: '{}',
          digests,
          slabs: new TightPool(slabs),
          onProgress: () => {},
          signal: new AbortController().signal,
          checkpointBytes: CHECKPOINT_CHUNKS * CHUNK_BYTES,
          width: 2,
          askedChunks: ASKED_CHUNKS,
        });
        return unlessAborted(attempt, AbortSignal.timeout(STANDSTILL_MS));
      };

      const cut = await receive().then(
        () => undefined,
        (error: unknown) => error as Refusal,
      );
      if (cut !== undefined) {
        expect(cut.code).toBe('UNAVAILABLE');
        memory.crash(() => 'old');
        expect(missingChunks(memory)).toEqual([]);
        const asked = new Set(source.sentChunks);
        source.sentChunks.length = 0;
        store.around = () => {};
        await receive();
        const again = new Set(source.sentChunks.filter((chunk) => asked.has(chunk)));
        expect(again.size).toBeLessThanOrEqual(ASKED_CHUNKS);
      }
      expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
    }),
    { numRuns: Number(process.env['ENTREPOT_PROPERTY_RUNS'] ?? 25) },
  );
});

async function delayed(pattern: readonly number[], index: number): Promise<void> {
  const ms = pattern[index % pattern.length] ?? 0;
  if (ms > 0) await delay(ms);
}

/** Chunks the checkpoint says are on disk, and are not. */
function missingChunks(store: MemoryStore): number[] {
  const held = store.bytesOf(IMAGE_ID) ?? Buffer.alloc(0);
  const checkpoint = parseCheckpoint(store.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return Array.from({ length: checkpoint?.nextChunk ?? 0 }, (_, chunk) => chunk).filter(
    (chunk) => !chunkOf(held, chunk).equals(chunkOf(bytes, chunk)),
  );
}
