import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import type { DigestPool } from '../image/digests.ts';
import type { Extent, PartialImage } from '../store/store.ts';
import { withInFlight } from './in-flight.ts';
import type { Manifest } from './manifest.ts';
import { chunksOf } from './runs.ts';
import type { SlabPool } from './slab.ts';

/** Data chunks of which the store had something after the checkpoint; of all others it has nothing. */
export interface Found {
  /** The checkpoint: all below is known to be there. */
  readonly nextChunk: number;
  /** Are what the manifest says, and will be durable after the next flush. */
  readonly right: ReadonlySet<number>;
  readonly rightBytes: number;
  /** Are not, or not all of it: to be written whole, zeros too, since something else would show there. */
  readonly torn: ReadonlySet<number>;
}

export interface LookOptions {
  readonly image: PartialImage;
  readonly manifest: Manifest;
  readonly nextChunk: number;
  /** Data chunks to look at. */
  readonly mostChunks: number;
  readonly digests: DigestPool;
  readonly slabs: SlabPool;
  readonly signal: AbortSignal;
  /** Chunks read at once. */
  readonly width: number;
}

/**
 * What an attempt that was cut has left after its checkpoint, so that it need not be sent again.
 *
 * Looks at the `mostChunks` data chunks that follow the checkpoint and no further: no attempt begins more
 * (RESENT_AT_MOST_BYTES), so there cannot be anything, and an image of many TiB is not searched for it. What has no
 * extent is not read.
 *
 * Of a chunk that is right all that has extents is written again. Reading it proves little: after a flush that failed
 * it may be read from a cache that holds it for written, so that the next flush would pass it over, and reading back
 * would read the cache. Written again it is as one that has arrived: the next flush covers it or fails, and
 * only then is it read back.
 *
 * Nothing is asked for meanwhile: what there is to know first is where the asking begins, and at most 60 MiB are read.
 */
export async function lookAfterCheckpoint(options: LookOptions): Promise<Found> {
  const { image, manifest, nextChunk, digests, slabs, width } = options;
  const right = new Set<number>();
  const torn = new Set<number>();
  let rightBytes = 0;
  await withInFlight(width, options.signal, async (inFlight, signal) => {
    for await (const { chunk, extents } of chunksWithExtents(options)) {
      await inFlight.start(async () => {
        const slab = await slabs.take(signal);
        try {
          const bytes = slab.subarray(0, chunkLength(chunk, image.sizeBytes));
          await image.read(chunk * CHUNK_BYTES, bytes);
          const expected = manifest.digestOf(chunk);
          const digest = await digests.sha256(bytes);
          if (expected === undefined || !digest.equals(expected)) {
            torn.add(chunk);
            return;
          }
          for (const { offset, length } of extents) {
            const at = offset - chunk * CHUNK_BYTES;
            await image.write(offset, bytes.subarray(at, at + length));
          }
          right.add(chunk);
          rightBytes += bytes.length;
        } finally {
          slabs.giveBack(slab);
        }
      });
    }
  });
  return { nextChunk, right, rightBytes, torn };
}

async function* chunksWithExtents({
  image,
  manifest,
  nextChunk,
  mostChunks,
}: LookOptions): AsyncGenerator<{ chunk: number; extents: readonly Extent[] }, void, void> {
  let left = mostChunks;
  // One by one: a run may be long, and extents between runs are of no interest here.
  for (const chunk of chunksOf(manifest.dataRuns(nextChunk, mostChunks))) {
    if (left-- === 0) return;
    const extents = await image.extents(chunk * CHUNK_BYTES, chunkLength(chunk, image.sizeBytes));
    if (extents.length > 0) yield { chunk, extents };
  }
}
