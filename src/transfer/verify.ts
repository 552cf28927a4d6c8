import { CHUNK_BYTES, chunkCount, chunkLength } from '../domain/chunk.ts';
import type { DigestPool } from '../image/digests.ts';
import type { Extent, ReadableImage } from '../store/store.ts';
import { throwIfAborted, withInFlight } from './in-flight.ts';
import type { Manifest } from './manifest.ts';
import { chunksOf } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { isZero } from './zeros.ts';

/** Extents are asked for so much of the image at a time: their list stays short in the worst case. */
export const EXTENT_WINDOW_CHUNKS = 256;

export interface VerifyOptions {
  readonly image: ReadableImage;
  readonly manifest: Manifest;
  readonly digests: DigestPool;
  readonly slabs: SlabPool;
  readonly signal: AbortSignal;
  /** Chunks read at once. */
  readonly width: number;
  /** A data chunk of so many bytes was read back, right or wrong. */
  readonly onRead: (lengthBytes: number) => void;
}

/** Rising; may wait for the next one, until the signal aborts. */
export type ChunksToRead = (signal: AbortSignal) => Iterable<number> | AsyncIterable<number>;

/** Reads data chunks back from the store; returns those that are not what the manifest says, rising. */
export async function findWrongChunks(chunks: ChunksToRead, options: VerifyOptions): Promise<number[]> {
  const { image, manifest, digests, slabs, width, onRead } = options;
  const wrong: number[] = [];
  await withInFlight(width, options.signal, async (inFlight, signal) => {
    for await (const chunk of chunks(signal)) {
      await inFlight.start(async () => {
        const slab = await slabs.take(signal);
        try {
          const bytes = slab.subarray(0, chunkLength(chunk, image.sizeBytes));
          await image.read(chunk * CHUNK_BYTES, bytes);
          const expected = manifest.digestOf(chunk);
          const digest = await digests.sha256(bytes);
          if (expected === undefined || !digest.equals(expected)) wrong.push(chunk);
          onRead(bytes.length);
        } finally {
          slabs.giveBack(slab);
        }
      });
    }
  });
  return wrong.sort((one, other) => one - other);
}

/** Reads what is allocated outside the data chunks; returns the first hole that is not zeros, if there is one. */
export async function findDirtyHole(options: VerifyOptions): Promise<number | undefined> {
  const { image, manifest, slabs, signal } = options;
  const chunks = chunkCount(image.sizeBytes);
  for (let first = 0; first < chunks; first += EXTENT_WINDOW_CHUNKS) {
    throwIfAborted(signal);
    const end = Math.min(first + EXTENT_WINDOW_CHUNKS, chunks);
    const [run] = manifest.dataRuns(first, 1);
    const allData = run !== undefined && run.firstChunk === first && run.firstChunk + run.chunkCount >= end;
    if (allData) continue;
    const offset = first * CHUNK_BYTES;
    const length = Math.min(end * CHUNK_BYTES, image.sizeBytes) - offset;
    for (const extent of await image.extents(offset, length)) {
      const dirty = await firstDirtyHole(extent, image, manifest, slabs, signal);
      if (dirty !== undefined) return dirty;
    }
  }
  return undefined;
}

async function firstDirtyHole(
  extent: Extent,
  image: ReadableImage,
  manifest: Manifest,
  slabs: SlabPool,
  signal: AbortSignal,
): Promise<number | undefined> {
  const end = extent.offset + extent.length;
  for (const chunk of chunksOf([chunksOver(extent)])) {
    if (manifest.digestOf(chunk) !== undefined) continue;
    const offset = Math.max(extent.offset, chunk * CHUNK_BYTES);
    const length = Math.min(end, (chunk + 1) * CHUNK_BYTES) - offset;
    const slab = await slabs.take(signal);
    try {
      const bytes = slab.subarray(0, length);
      await image.read(offset, bytes);
      if (!isZero(bytes)) return chunk;
    } finally {
      slabs.giveBack(slab);
    }
  }
  return undefined;
}

/** The chunks an extent touches. */
export function chunksOver({ offset, length }: Extent): { firstChunk: number; chunkCount: number } {
  const firstChunk = Math.floor(offset / CHUNK_BYTES);
  return { firstChunk, chunkCount: Math.ceil((offset + length) / CHUNK_BYTES) - firstChunk };
}
