import { createHash, type Hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { unlessAborted } from '../../../src/transfer/in-flight.ts';
import { type IntakeCheck, ingest } from '../../../src/transfer/ingest.ts';
import type { BytesBefore } from '../../../src/transfer/ingest-checkpoint.ts';
import { METADATA } from '../../../src/transfer/metadata.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore, type Survival } from './memory-store.ts';
import { dataOf, draw, IMAGE_ID, type Sketch, sketches, uploadOf } from './samples.ts';
import { WatchedStore } from './watched-store.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

/** An attempt takes some tenths of a second; one that waits for itself would take for ever. */
const STANDSTILL_MS = 10_000;

/** One thing that goes wrong in one attempt, at the `at`-th event of its kind. */
type Fault =
  | { readonly kind: 'store-fails'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'frames-fail' | 'abort'; readonly at: number }
  /** Nothing is done any more; of what was not flushed each block is there or is not. */
  | { readonly kind: 'power-fails'; readonly at: number; readonly survival: readonly Survival[] }
  /** What was to be flushed will never be; the power fails afterwards, or does not. */
  | { readonly kind: 'flush-fails'; readonly at: number; readonly survival: readonly Survival[] };

const at = fc.integer({ min: 1, max: 70 });
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
  fc.record({ kind: fc.constantFrom('frames-fail' as const, 'abort' as const), at }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('power-fails' as const), at, survival }) },
  fc.record({
    kind: fc.constant('flush-fails' as const),
    at: fc.integer({ min: 1, max: 5 }),
    survival: fc.oneof(survival, fc.constant([])),
  }),
);

const ways = fc.record({
  slabs: fc.integer({ min: 1, max: 6 }),
  zeroChunks: fc.boolean(),
  checkpointChunks: fc.integer({ min: 1, max: 3 }),
});

/** Two files of one size; what an attempt sends may go on otherwise than what the one before had begun. */
const files = fc
  .tuple(sketches(1, 12), sketches(12, 12))
  .map(([one, other]: [Sketch, Sketch]) => [
    draw(one),
    draw({ chunks: other.chunks.slice(0, one.chunks.length), missingBytes: one.missingBytes }, 2),
  ]);

/** Whatever it hears has to be the image, from its first byte to its last. */
class Listener implements IntakeCheck {
  readonly #sha256: Hash = createHash('sha256');

  async update(bytes: Uint8Array): Promise<void> {
    this.#sha256.update(bytes);
  }

  async skip(lengthBytes: number): Promise<void> {
    this.#sha256.update(Buffer.alloc(lengthBytes));
  }

  async settle() {
    return { recordJson: '{}', formatJson: JSON.stringify({ heard: this.#sha256.digest('hex') }) };
  }
}

test('an upload that breaks anywhere, any number of times, ends as the file that was sent', {
  timeout: 240_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.array(faults, { maxLength: 4 }), ways, async (versions, plan, way) => {
      /** What the store was told to hold, as far as it came. */
      let [sent = Buffer.alloc(0)] = versions;
      const memory = new MemoryStore();
      const store = new WatchedStore(memory);
      const slabs = new SlabPool(way.slabs);

      for (const [attempt, fault] of [...plan, undefined].entries()) {
        const stop = new AbortController();
        const rest = versions[attempt % versions.length] ?? sent;
        inject(fault, store, stop, { memory, onPublish: () => expectSame(memory, sent, sent.length) });
        const frames = (before: BytesBefore) => {
          const { lengthBytes } = before;
          expect(lengthBytes % CHUNK_BYTES === 0 || lengthBytes === sent.length).toBe(true);
          expect(before.sha512).toBe(
            createHash('sha512').update(sent.subarray(0, lengthBytes)).digest('hex'),
          );
          sent = Buffer.concat([sent.subarray(0, lengthBytes), rest.subarray(lengthBytes)]);
          return framesFrom(sent, lengthBytes, fault, way.zeroChunks, stop);
        };
        const taking = ingest({
          store,
          imageId: IMAGE_ID,
          taskId: 'task-1',
          sizeBytes: sent.length,
          frames,
          resume: { note: 'v1', checkpointBytes: way.checkpointChunks * CHUNK_BYTES },
          intake: new Listener(),
          keepManifest: async () => {},
          digests,
          slabs,
          onProgress: ({ doneBytes, totalBytes }) => expect(doneBytes).toBeLessThanOrEqual(totalBytes),
          signal: stop.signal,
        });
        const late = AbortSignal.timeout(STANDSTILL_MS);
        const result = await unlessAborted(taking, late).catch((error: unknown) => error);
        expect([store.active, store.openImages, slabs.bytesInUse]).toEqual([0, 0, 0]);

        if (result instanceof Error) {
          expect(result, String(result)).toBeInstanceOf(Refusal);
          expect(result).toMatchObject({ code: fault?.kind === 'abort' ? 'CANCELLED' : 'UNAVAILABLE' });
          expect(fault, `refused without a fault: ${result.message}`).toBeDefined();
          const survives = fault !== undefined && 'survival' in fault ? fault.survival : [];
          if (survives.length > 0) memory.crash(inTurn(survives));
          const held = memory.images.get(IMAGE_ID);
          const { nextChunk = 0 } = JSON.parse(held?.metadata.get(METADATA.intake) ?? '{}');
          expectSame(memory, sent, nextChunk * CHUNK_BYTES);
        } else if (fault === undefined) {
          memory.crash(() => 'old');
          expectSame(memory, sent, sent.length);
          expect(memory.images.get(IMAGE_ID)?.form).toBe('whole');
          const heard = createHash('sha256').update(sent).digest('hex');
          expect(result).toMatchObject({ data: dataOf(sent), formatJson: JSON.stringify({ heard }) });
        }
      }
    }),
    { numRuns: Number(process.env['ENTREPOT_PROPERTY_RUNS'] ?? 40) },
  );
});

function inject(
  fault: Fault | undefined,
  store: WatchedStore,
  stop: AbortController,
  { memory, onPublish }: { readonly memory: MemoryStore; readonly onPublish: () => void },
): void {
  let calls = 0;
  let flushes = 0;
  store.around = async (call, when) => {
    // Writes overtake one another, so that chunks are done in another order than they came.
    if (call === 'write' && when === 'before')
      for (let left = (calls * 7) % 5; left > 0; left--) await turn();
    if (call === 'publish' && when === 'before') onPublish();
    if (when === 'before') calls++;
    if (fault?.kind === 'store-fails' && fault.when === when && calls === fault.at) {
      calls++;
      throw new Refusal('UNAVAILABLE', 'the store fails as planned');
    }
    if (call === 'flush' && when === 'before' && ++flushes === fault?.at && fault.kind === 'flush-fails') {
      memory.giveUpUnflushed();
      throw new Refusal('UNAVAILABLE', 'input/output error');
    }
    // From then on nothing reaches the disk.
    if (fault?.kind === 'power-fails' && calls >= fault.at)
      throw new Refusal('UNAVAILABLE', 'the power is off');
    if (fault?.kind === 'abort' && calls === fault.at) stop.abort(new Refusal('CANCELLED', 'as planned'));
  };
}

async function* framesFrom(
  bytes: Buffer,
  startByte: number,
  fault: Fault | undefined,
  zeroChunks: boolean,
  stop: AbortController,
): AsyncGenerator<Frame> {
  let count = 0;
  for (const frame of uploadOf(bytes, { zeroChunks })) {
    if (frame.offset < startByte) continue;
    stop.signal.throwIfAborted();
    if (fault?.kind === 'frames-fail' && ++count === fault.at)
      throw new Refusal('UNAVAILABLE', 'the operator went away');
    yield frame;
  }
}

function expectSame(memory: MemoryStore, bytes: Buffer, lengthBytes: number): void {
  const held = memory.bytesOf(IMAGE_ID) ?? Buffer.alloc(bytes.length);
  expect(held.subarray(0, lengthBytes).equals(bytes.subarray(0, lengthBytes))).toBe(true);
}

function inTurn(survives: readonly Survival[]): () => Survival {
  let count = 0;
  return () => survives[count++ % survives.length] ?? 'old';
}
