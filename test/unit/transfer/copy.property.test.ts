import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { METADATA, parseCheckpoint } from '../../../src/transfer/metadata.ts';
import { receiveCopy } from '../../../src/transfer/receiver.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { chunkOf, draw, IMAGE_ID, manifestOf, SendingSource, sketches, storeWith } from './samples.ts';
import { type StoreCall, WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const WIDTH = 2;
const CHECKPOINT_CHUNKS = 2;

/** One thing that goes wrong in one attempt, at the `at`-th event of its kind. */
type Fault =
  | { readonly kind: 'store-fails'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'source-fails' | 'abort-at-store' | 'abort-at-frame'; readonly at: number }
  | { readonly kind: 'power-fails'; readonly at: number; readonly survivors: number };

const at = fc.integer({ min: 1, max: 60 });
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
  fc.record({ kind: fc.constant('power-fails' as const), at, survivors: fc.nat(7) }),
);

test('a copy that is cut anywhere, any number of times, ends as the source', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(sketches(1, 14), fc.array(faults, { maxLength: 4 }), async (sketch, plan) => {
      const bytes = draw(sketch);
      const manifest = manifestOf(bytes);
      const memory = new MemoryStore();
      const store = new WatchedStore(memory);
      const source = new SendingSource(await storeWith(bytes));
      const slabs = new SlabPool(WIDTH + 1);

      for (const fault of [...plan, undefined]) {
        const stop = new AbortController();
        source.sentChunks.length = 0;
        inject(fault, store, source, stop, () => {
          // Published means whole and right, at the moment it happens.
          expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
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
        });
        const result = await attempt.catch((error: unknown) => error);
        expect({ active: store.active, open: store.openImages, slabs: slabs.bytesInUse }).toEqual({
          active: 0,
          open: 0,
          slabs: 0,
        });
        expect([source.active, source.slabs.bytesInUse]).toEqual([0, 0]);

        if (result instanceof Error) {
          expect(result).toBeInstanceOf(Refusal);
          expect(fault, `refused without a fault: ${result.message}`).toBeDefined();
          if (fault?.kind === 'power-fails') memory.crash(someOf(fault.survivors));
          expect(missingChunks(memory, bytes, manifest.root)).toEqual([]);
          expect(lostChunks(memory, source.sentChunks, manifest.root)).toBeLessThanOrEqual(
            // Begun since the checkpoint, and one whose first frame waits.
            CHECKPOINT_CHUNKS + WIDTH - 1 + 1,
          );
        } else {
          expect(result).toMatchObject({ verifiedRoot: manifest.root });
          if (fault === undefined) {
            const held = memory.images.get(IMAGE_ID);
            expect(held?.form).toBe('whole');
            expect(memory.bytesOf(IMAGE_ID)?.equals(bytes)).toBe(true);
            expect(held?.metadata.get(METADATA.root)).toBe(manifest.root);
            expect(held?.metadata.get(METADATA.uuid)).toBe(IMAGE_ID);
            expect(held?.metadata.get(METADATA.record)).toBe('{"name":"sample"}');
          }
        }
      }
    }),
    { numRuns: Number(process.env['ENTREPOT_PROPERTY_RUNS'] ?? 30) },
  );
});

function inject(
  fault: Fault | undefined,
  store: WatchedStore,
  source: SendingSource,
  stop: AbortController,
  onPublish: () => void,
): void {
  let calls = 0;
  let frames = 0;
  store.around = async (call: StoreCall, when) => {
    // Writes overtake one another, so that chunks are done in another order than they came.
    if (call === 'write' && when === 'before')
      for (let left = (calls * 7) % 5; left > 0; left--) await turn();
    if (call === 'publish' && when === 'before') onPublish();
    if (when === 'before') calls++;
    if (fault?.kind === 'store-fails' && fault.when === when && calls === fault.at) {
      calls++;
      throw new Refusal('UNAVAILABLE', 'the store fails as planned');
    }
    // From then on nothing reaches the disk.
    if (fault?.kind === 'power-fails' && calls >= fault.at)
      throw new Refusal('UNAVAILABLE', 'the power is off');
    if (fault?.kind === 'abort-at-store' && calls === fault.at)
      stop.abort(new Refusal('CANCELLED', 'as planned'));
  };
  source.onFrame = (frame) => {
    frames++;
    if (fault?.kind === 'source-fails' && frames === fault.at) {
      throw new Refusal('UNAVAILABLE', 'the source fails as planned');
    }
    if (fault?.kind === 'abort-at-frame' && frames === fault.at)
      stop.abort(new Refusal('CANCELLED', 'as planned'));
    return frame;
  };
}

/** Chunks the checkpoint says are on disk, and are not. */
function missingChunks(store: MemoryStore, bytes: Buffer, root: string): number[] {
  const held = store.bytesOf(IMAGE_ID) ?? Buffer.alloc(0);
  return Array.from({ length: nextChunkOf(store, root) }, (_, chunk) => chunk).filter(
    (chunk) => !chunkOf(held, chunk).equals(chunkOf(bytes, chunk)),
  );
}

function nextChunkOf(store: MemoryStore, root: string): number {
  const checkpoint = parseCheckpoint(store.images.get(IMAGE_ID)?.metadata.get(METADATA.checkpoint));
  return checkpoint?.root === root ? checkpoint.nextChunk : 0;
}

/** Chunks of this attempt that the next one has to ask for again. */
function lostChunks(store: MemoryStore, sentChunks: readonly number[], root: string): number {
  const nextChunk = nextChunkOf(store, root);
  return new Set(sentChunks.filter((chunk) => chunk >= nextChunk)).size;
}

function someOf(pattern: number): () => boolean {
  let count = 0;
  return () => ((pattern >> (count++ % 3)) & 1) === 1;
}
