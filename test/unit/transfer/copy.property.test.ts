import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES, chunkCount } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { unlessAborted } from '../../../src/transfer/in-flight.ts';
import type { Manifest } from '../../../src/transfer/manifest.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { receiveCopy } from '../../../src/transfer/receiver.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore, type Survival } from './memory-store.ts';
import { chunkOf, draw, IMAGE_ID, manifestOf, SendingSource, sketches, storeWith } from './samples.ts';
import { type StoreCall, WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const WIDTH = 2;
const CHECKPOINT_CHUNKS = 2;
/** The least there may be: a checkpoint's, and what waits of a group of four. */
const ASKED_CHUNKS = CHECKPOINT_CHUNKS + 3;

/** An attempt takes some tenths of a second; one that waits for itself would take for ever. */
const STANDSTILL_MS = 10_000;

/** One thing that goes wrong in one attempt, at the `at`-th event of its kind. */
type Fault =
  | { readonly kind: 'store-fails'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'source-fails' | 'abort-at-store' | 'abort-at-frame'; readonly at: number }
  /** Nothing is done any more; what was written is there. */
  | { readonly kind: 'killed'; readonly at: number }
  /** Nothing is done any more, and what was not flushed is there or is not, block by block. */
  | { readonly kind: 'power-fails'; readonly at: number; readonly survival: readonly Survival[] }
  /** What was to be flushed will never be; the power fails afterwards, or does not. */
  | { readonly kind: 'flush-fails'; readonly at: number; readonly survival: readonly Survival[] };

const at = fc.integer({ min: 1, max: 60 });
const survival = fc.array(fc.constantFrom<Survival[]>('new', 'old', 'half', 'garbage'), {
  minLength: 1,
  maxLength: 5,
});
const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant('store-fails' as const),
    at,
    when: fc.constantFrom('before' as const, 'after' as const),
  }),
  fc.record({
    kind: fc.constantFrom('source-fails' as const, 'abort-at-store' as const, 'abort-at-frame' as const),
    at,
  }),
  fc.record({ kind: fc.constant('killed' as const), at }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('power-fails' as const), at, survival }) },
  fc.record({
    kind: fc.constant('flush-fails' as const),
    at: fc.integer({ min: 1, max: 5 }),
    survival: fc.oneof(survival, fc.constant([])),
  }),
);

/** How the source and the memory are, for all attempts. */
const ways = fc.record({
  /** Pulls at once at the beginning of an attempt, and from some frame on. */
  width: fc.integer({ min: 1, max: 4 }),
  laterWidth: fc.integer({ min: 1, max: 4 }),
  laterAt: fc.nat(20),
  /** In which order frames of several pulls come; 0: as they can. */
  order: fc.oneof(fc.constant(0), fc.nat(1000)),
  /** A flush takes longer than a few chunks. */
  slowFlush: fc.boolean(),
  slabs: fc.integer({ min: 1, max: WIDTH + 2 }),
  /** The pool does not get larger with the pulls. */
  tight: fc.boolean(),
});

class TightPool extends SlabPool {
  override resize(): void {}
}

test('a copy that is cut anywhere, any number of times, ends as the source', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(sketches(1, 14), fc.array(faults, { maxLength: 4 }), ways, async (sketch, plan, way) => {
      const bytes = draw(sketch);
      const manifest = manifestOf(bytes);
      const memory = new MemoryStore();
      const store = new WatchedStore(memory);
      const source = new SendingSource(await storeWith(bytes));
      const slabs = way.tight ? new TightPool(way.slabs) : new SlabPool(way.slabs);
      /** In earlier attempts. */
      const sent = new Set<number>();

      for (const fault of [...plan, undefined]) {
        const stop = new AbortController();
        const there = rightChunks(memory, bytes, manifest);
        source.sentChunks.length = 0;
        source.width = way.width;
        inject(fault, store, source, stop, {
          onPublish: () => {
            // Published means whole and right, at the moment it happens.
            expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
          },
          onFlushFails: () => memory.giveUpUnflushed(),
          onFlush: async () => {
            if (way.slowFlush) await delay(40);
          },
          onFrame: async (frames, chunk) => {
            if (frames >= way.laterAt) source.width = Math.max(way.width, way.laterWidth);
            const slowness = (way.order * (chunk + 1)) % 7;
            if (slowness > 0) await delay(slowness);
          },
        });
        const attempt = receiveCopy({
          store,
          imageId: IMAGE_ID,
          manifest,
          source,
          recordJson: '{"name":"sample"}',
          digests,
          slabs,
          onProgress: ({ doneBytes, totalBytes }) => expect(doneBytes).toBeLessThanOrEqual(totalBytes),
          signal: stop.signal,
          checkpointBytes: CHECKPOINT_CHUNKS * CHUNK_BYTES,
          width: WIDTH,
          askedChunks: ASKED_CHUNKS,
        });
        const result = await moving(attempt).catch((error: unknown) => error);
        expect({ active: store.active, open: store.openImages, slabs: slabs.bytesInUse }).toEqual({
          active: 0,
          open: 0,
          slabs: 0,
        });
        expect([source.active, source.slabs.bytesInUse, slabs.count]).toEqual([0, 0, way.slabs]);

        // What lies in the store and is right is not sent, and of the rest no more than may be.
        const sentNow = new Set(source.sentChunks);
        expect([...sentNow].filter((chunk) => there.has(chunk))).toEqual([]);
        expect([...sentNow].filter((chunk) => sent.has(chunk)).length).toBeLessThanOrEqual(ASKED_CHUNKS);
        for (const chunk of sentNow) sent.add(chunk);

        if (result instanceof Error) {
          expect(result, String(result)).toBeInstanceOf(Refusal);
          expect(fault, `refused without a fault: ${result.message}`).toBeDefined();
          const survives = fault !== undefined && 'survival' in fault ? fault.survival : [];
          if (survives.length > 0) memory.crash(inTurn(survives));
          expect(missingChunks(memory, bytes, manifest)).toEqual([]);
        } else {
          expect(result).toMatchObject({ verifiedRoot: manifest.root });
          if (fault === undefined) {
            const held = memory.images.get(IMAGE_ID);
            expect(held?.form).toBe('whole');
            memory.crash(() => 'old');
            expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
            expect(held?.metadata.get(METADATA.root)).toBe(manifest.root);
            expect(held?.metadata.get(METADATA.uuid)).toBe(IMAGE_ID);
            expect(held?.metadata.get(METADATA.record)).toBe('{"name":"sample"}');
          }
        }
      }
    }),
    { numRuns: Number(process.env['ENTREPOT_PROPERTY_RUNS'] ?? 40) },
  );
});

interface Watch {
  readonly onPublish: () => void;
  readonly onFlush: () => Promise<void>;
  readonly onFlushFails: () => void;
  /** Frames so far in this attempt, and the chunk of the one that comes. */
  readonly onFrame: (frames: number, chunk: number) => Promise<void>;
}

function inject(
  fault: Fault | undefined,
  store: WatchedStore,
  source: SendingSource,
  stop: AbortController,
  watch: Watch,
): void {
  let calls = 0;
  let flushes = 0;
  let frames = 0;
  store.around = async (call: StoreCall, when) => {
    // Writes overtake one another, so that chunks are done in another order than they came.
    if (call === 'write' && when === 'before')
      for (let left = (calls * 7) % 5; left > 0; left--) await turn();
    if (call === 'flush' && when === 'before') await watch.onFlush();
    if (call === 'publish' && when === 'before') watch.onPublish();
    if (when === 'before') calls++;
    if (fault?.kind === 'store-fails' && fault.when === when && calls === fault.at) {
      calls++;
      throw new Refusal('UNAVAILABLE', 'the store fails as planned');
    }
    if (call === 'flush' && when === 'before' && ++flushes === fault?.at && fault.kind === 'flush-fails') {
      watch.onFlushFails();
      throw new Refusal('UNAVAILABLE', 'input/output error');
    }
    // From then on nothing reaches the disk.
    if ((fault?.kind === 'power-fails' || fault?.kind === 'killed') && calls >= fault.at)
      throw new Refusal('UNAVAILABLE', 'the power is off');
    if (fault?.kind === 'abort-at-store' && calls === fault.at)
      stop.abort(new Refusal('CANCELLED', 'as planned'));
  };
  source.onFrame = async (frame) => {
    frames++;
    await watch.onFrame(frames, Math.floor(frame.offset / CHUNK_BYTES));
    if (fault?.kind === 'source-fails' && frames === fault.at) {
      throw new Refusal('UNAVAILABLE', 'the source fails as planned');
    }
    if (fault?.kind === 'abort-at-frame' && frames === fault.at)
      stop.abort(new Refusal('CANCELLED', 'as planned'));
    return frame;
  };
}

/** Data chunks that are in the partial image as they should be, as far as the store tells. */
function rightChunks(store: MemoryStore, bytes: Buffer, manifest: Manifest): Set<number> {
  const held = store.bytesOf(IMAGE_ID) ?? Buffer.alloc(bytes.length);
  const chunks = Array.from({ length: chunkCount(bytes.length) }, (_, chunk) => chunk);
  return new Set(
    chunks.filter(
      (chunk) => manifest.digestOf(chunk) !== undefined && chunkOf(held, chunk).equals(chunkOf(bytes, chunk)),
    ),
  );
}

/** Data chunks the checkpoint says are on disk, and are not. */
function missingChunks(store: MemoryStore, bytes: Buffer, manifest: Manifest): number[] {
  const right = rightChunks(store, bytes, manifest);
  return Array.from({ length: nextChunkOf(store, manifest.root) }, (_, chunk) => chunk).filter(
    (chunk) => manifest.digestOf(chunk) !== undefined && !right.has(chunk),
  );
}

function nextChunkOf(store: MemoryStore, root: string): number {
  const checkpoint = parseCheckpoint(store.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return checkpoint?.root === root ? checkpoint.nextChunk : 0;
}

function inTurn(survival: readonly Survival[]): () => Survival {
  let count = 0;
  return () => survival[count++ % survival.length] ?? 'old';
}

/** Fails when it takes so long that nothing can move any more. */
async function moving<T>(attempt: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(STANDSTILL_MS);
  return await unlessAborted(attempt, late);
}
