import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import type { ReadableImage } from '../store/store.ts';
import { frameOf } from './frame-codec.ts';
import { type ChunkRun, FRAME_BYTES, type Frame } from './frames.ts';
import { refusalOf, throwIfAborted, unlessAborted } from './in-flight.ts';
import { checkRuns, chunksOf } from './runs.ts';
import type { Slab, SlabPool } from './slab.ts';
import { nonzeroExtents } from './zeros.ts';

/** Chunks read or being read while the first of them is sent: hides one store's delay behind another's. */
export const READ_AHEAD = 4;

export interface SendOptions {
  readonly slabs: SlabPool;
  readonly signal: AbortSignal;
  /** Chunks in slabs at once, default READ_AHEAD. */
  readonly readAhead?: number;
}

interface LoadedChunk {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly slab: Slab;
}

/**
 * Serves what a receiver asked for: the chunks of `runs`, in order, without their zero blocks,
 * the last frame of each marked. `write` resolves when the next frame may come; while it does
 * not, at most `readAhead` chunks are read. Rejects with a Refusal, INVALID for runs that make
 * no sense, after every read has settled and every slab is back.
 *
 * Frames own their bytes (`frameOf`), they are no views of the slab: grpc-js keeps frames it
 * was given, unserialized, while the socket is busy, and tells nobody when it is done with
 * them. A slab handed out again meanwhile would change what is sent. The copy is the only one
 * on our side, the codec then writes the header in front of it; it costs 0.11 s per GB.
 */
export async function sendRuns(
  image: ReadableImage,
  runs: readonly ChunkRun[],
  write: (frame: Frame) => Promise<void>,
  { slabs, signal, readAhead = READ_AHEAD }: SendOptions,
): Promise<void> {
  checkRuns(runs, image.sizeBytes);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const chunks = chunksOf(runs);
  const ahead: Promise<LoadedChunk>[] = [];
  try {
    for (;;) {
      readOn(ahead, readAhead, chunks, (chunk) => load(image, chunk, slabs, either));
      const [first] = ahead;
      if (first === undefined) return;
      const loaded = await first;
      for (const frame of framesOf(loaded.offset, loaded.bytes)) {
        throwIfAborted(signal);
        await unlessAborted(write(frame), signal);
      }
      void ahead.shift();
      slabs.giveBack(loaded.slab);
    }
  } catch (error) {
    throw signal.aborted ? refusalOf(signal) : Refusal.from(error);
  } finally {
    stop.abort();
    for (const read of await Promise.allSettled(ahead)) {
      if (read.status === 'fulfilled') slabs.giveBack(read.value.slab);
    }
  }
}

/** A chunk in frames that own their bytes. One empty frame when it is all zeros. */
export function* framesOf(offset: number, bytes: Buffer): Generator<Frame, void, void> {
  const extents = nonzeroExtents(bytes, FRAME_BYTES);
  if (extents.length === 0) yield frameOf(offset, bytes.subarray(0, 0), true);
  for (const [index, extent] of extents.entries()) {
    const payload = bytes.subarray(extent.offset, extent.offset + extent.length);
    yield frameOf(offset + extent.offset, payload, index === extents.length - 1);
  }
}

function readOn(
  ahead: Promise<LoadedChunk>[],
  readAhead: number,
  chunks: Iterator<number, void, void>,
  start: (chunk: number) => Promise<LoadedChunk>,
): void {
  while (ahead.length < readAhead) {
    const next = chunks.next();
    if (next.done === true) return;
    const read = start(next.value);
    // Its failure is met when its turn comes; until then it is not unhandled.
    read.catch(() => {});
    ahead.push(read);
  }
}

async function load(
  image: ReadableImage,
  chunk: number,
  slabs: SlabPool,
  signal: AbortSignal,
): Promise<LoadedChunk> {
  const slab = await slabs.take(signal);
  try {
    const offset = chunk * CHUNK_BYTES;
    const bytes = slab.subarray(0, chunkLength(chunk, image.sizeBytes));
    await image.read(offset, bytes);
    return { offset, bytes, slab };
  } catch (error) {
    slabs.giveBack(slab);
    throw error;
  }
}
