import { CHUNK_BYTES, chunkCount, chunkLength } from '../domain/chunk.ts';
import type { DigestPool } from '../image/digests.ts';
import type { ReadableImage } from '../store/store.ts';
import { type Content, ContentDigest } from './content-digest.ts';
import { allDone, throwIfAborted, withInFlight } from './in-flight.ts';
import type { SlabPool } from './slab.ts';
import { chunksOver, EXTENT_WINDOW_CHUNKS } from './verify.ts';

/** Chunks read and hashed at once. */
const WIDTH = 4;

export interface SurveyOptions {
  readonly image: ReadableImage;
  readonly digests: DigestPool;
  /** A pool of this work's own; WIDTH slabs are used at most. */
  readonly slabs: SlabPool;
  /** So many bytes more were read, or are holes that were passed over. */
  readonly onPassed: (bytes: PassedBytes) => void;
  /** Hears of the bytes as well, in their order, holes as zeros. */
  readonly check?: SurveyCheck | undefined;
  readonly signal: AbortSignal;
}

export interface PassedBytes {
  readonly readBytes: number;
  readonly holeBytes: number;
}

export interface SurveyCheck {
  /** Until it resolves the bytes must not change; rejects to end the survey. */
  update(bytes: Uint8Array): Promise<void>;
  skip(lengthBytes: number, signal: AbortSignal): Promise<void>;
}

/**
 * Manifest, MD5 and SHA-512 of an image that lies in a store already, of which nothing is known. Only what the store
 * has data for is read. Rejects with the store's refusal, or CANCELLED, after every read has settled.
 */
export async function surveyImage(options: SurveyOptions): Promise<Content> {
  const { image, digests } = options;
  await using content = new ContentDigest(image.sizeBytes, digests);
  await surveyInto(content, image.sizeBytes, options);
  return await content.finish();
}

/**
 * Adds what the image has in its first `lengthBytes`, whole chunks or all of it, to a digest that has seen nothing
 * yet; `check` hears of it. As surveyImage otherwise.
 */
export async function surveyInto(
  content: ContentDigest,
  lengthBytes: number,
  options: Omit<SurveyOptions, 'digests'>,
): Promise<void> {
  const { image, signal } = options;
  let position = 0;
  const skipTo = async (offset: number, stop: AbortSignal) => {
    const holeBytes = offset - position;
    if (holeBytes === 0) return;
    await allDone([content.skip(holeBytes, stop), options.check?.skip(holeBytes, stop) ?? Promise.resolve()]);
    position = offset;
    options.onPassed({ readBytes: 0, holeBytes });
  };
  await withInFlight(WIDTH, signal, async (inFlight, stop) => {
    // Read as they come, taken in one after the other: what was added before is in the digests before the next.
    let turn: Promise<void> = Promise.resolve();
    for await (const chunk of chunksWithData(image, stop, lengthBytes)) {
      const before = turn;
      const mine = Promise.withResolvers<void>();
      turn = mine.promise;
      await inFlight.start(async () => {
        try {
          await surveyChunk(chunk, options, stop, async (bytes) => {
            await before;
            throwIfAborted(stop);
            await skipTo(chunk * CHUNK_BYTES, stop);
            const taken = content.add(chunk, bytes);
            const checked = options.check?.update(bytes) ?? Promise.resolve();
            position += bytes.length;
            mine.resolve();
            await allDone([taken.streamed, taken.digested, checked]);
            options.onPassed(
              taken.isHole
                ? { readBytes: 0, holeBytes: bytes.length }
                : { readBytes: bytes.length, holeBytes: 0 },
            );
          });
        } finally {
          mine.resolve();
        }
      });
    }
  });
  await skipTo(lengthBytes, signal);
}

async function surveyChunk(
  chunk: number,
  { image, slabs }: Pick<SurveyOptions, 'image' | 'slabs'>,
  signal: AbortSignal,
  take: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const slab = await slabs.take(signal);
  try {
    const bytes = slab.subarray(0, chunkLength(chunk, image.sizeBytes));
    await image.read(chunk * CHUNK_BYTES, bytes);
    await take(bytes);
  } finally {
    slabs.giveBack(slab);
  }
}

/** Those of the first `lengthBytes`, rising; a chunk once, however many extents touch it. */
export async function* chunksWithData(
  image: ReadableImage,
  signal: AbortSignal,
  lengthBytes: number = image.sizeBytes,
): AsyncGenerator<number, void, void> {
  const chunks = chunkCount(lengthBytes);
  for (let first = 0; first < chunks; first += EXTENT_WINDOW_CHUNKS) {
    throwIfAborted(signal);
    const offset = first * CHUNK_BYTES;
    const length = Math.min(EXTENT_WINDOW_CHUNKS * CHUNK_BYTES, lengthBytes - offset);
    let next = first;
    for (const extent of await image.extents(offset, length)) {
      const { firstChunk, chunkCount: count } = chunksOver(extent);
      for (let chunk = Math.max(firstChunk, next); chunk < firstChunk + count; chunk++) yield chunk;
      next = Math.max(next, firstChunk + count);
    }
  }
}
