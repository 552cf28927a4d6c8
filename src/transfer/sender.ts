import type { Compression } from '../domain/compression.ts';
import { Refusal } from '../domain/refusal.ts';
import type { ReadableImage } from '../store/store.ts';
import type { ChunkSlabs } from './chunk-slabs.ts';
import { type ChunkStream, type HeldChunk, READ_AHEAD } from './chunk-stream.ts';
import { frameOf } from './frame-codec.ts';
import type { ChunkRun, Frame } from './frames.ts';
import { refusalOf, throwIfAborted, unlessAborted } from './in-flight.ts';
import type { PackingChoice } from './packing-choice.ts';
import { type Piece, piecesOf, plainBytesOf } from './pieces.ts';
import { checkRuns } from './runs.ts';
import { SharedChunks } from './shared-chunks.ts';

export interface SendOptions {
  readonly slabs: ChunkSlabs;
  readonly signal: AbortSignal;
  /** Chunks in slabs at once, default READ_AHEAD. */
  readonly readAhead?: number;
}

export interface SendChunksOptions {
  readonly signal: AbortSignal;
  /** Left out: nothing is packed, and nothing said about it. */
  readonly packing?: PackingChoice;
}

/** A chunk that is read, or being read; from when its turn is near also what it is sent in. */
interface Upcoming {
  readonly chunk: Promise<HeldChunk>;
  outgoing: Promise<Outgoing> | undefined;
}

interface Outgoing {
  readonly chunk: HeldChunk;
  readonly pieces: readonly Piece[];
  readonly compression: Compression | undefined;
  /** When it began to be packed, by `performance.now`; undefined when it was not. */
  readonly packedFromMs: number | undefined;
}

/** `sendChunks` of an image that is sent to nobody else. INVALID for runs that make no sense. */
export async function sendRuns(
  image: ReadableImage,
  runs: readonly ChunkRun[],
  write: (frame: Frame) => Promise<void>,
  { slabs, signal, readAhead = READ_AHEAD }: SendOptions,
): Promise<void> {
  checkRuns(runs, image.sizeBytes);
  using stream = new SharedChunks(image, slabs).stream(runs, { readAhead });
  await sendChunks(stream, write, { signal });
}

/**
 * Serves what a receiver asked for: the chunks of a stream, in order, without their zero blocks,
 * the last frame of each marked. `write` resolves when the next frame may come; while it does
 * not, no more chunks are read than the stream may hold, and no more packed than one. Rejects with a
 * Refusal, after every read has settled and every chunk is released.
 *
 * Frames own their bytes (`frameOf`), they are no views of the slab: grpc-js keeps frames it
 * was given, unserialized, while the socket is busy, and tells nobody when it is done with
 * them. A slab handed out again meanwhile would change what is sent. The copy is the only one
 * on our side, the codec then writes the header in front of it; it costs 0.11 s per GB.
 */
export async function sendChunks(
  stream: ChunkStream,
  write: (frame: Frame) => Promise<void>,
  { signal, packing }: SendChunksOptions,
): Promise<void> {
  const ahead: Upcoming[] = [];
  const watch = new Stopwatch(packing);
  try {
    for (;;) {
      readOn(ahead, stream);
      const [first, second] = ahead;
      if (first === undefined) return;
      const outgoing = await prepared(first, packing);
      watch.gotReady(outgoing);
      // While this one is sent: so that packing and the link do not wait for one another.
      if (second !== undefined) void prepared(second, packing);
      for (const { frame, plainBytes } of framesToSend(outgoing)) {
        throwIfAborted(signal);
        watch.beginsToWrite();
        await unlessAborted(write(frame), signal);
        watch.wrote(plainBytes);
      }
      void ahead.shift();
      outgoing.chunk.release();
    }
  } catch (error) {
    throw signal.aborted ? refusalOf(signal) : Refusal.from(error);
  } finally {
    for (const { chunk, outgoing } of ahead) {
      await outgoing?.catch(() => {});
      await chunk.then(
        (held) => held.release(),
        () => {},
      );
    }
  }
}

/** A chunk in frames that own their bytes. One empty frame when it is all zeros. */
export function* framesOf(offset: number, bytes: Buffer): Generator<Frame, void, void> {
  for (const { frame } of frames(offset, piecesOf(offset, bytes))) yield frame;
}

function framesToSend({ chunk, pieces, compression }: Outgoing) {
  return frames(chunk.offset, pieces, compression);
}

function* frames(offset: number, pieces: readonly Piece[], compression?: Compression) {
  const nothing: Piece = { offset, payload: new Uint8Array() };
  const all = pieces.length === 0 ? [nothing] : pieces;
  for (const [index, piece] of all.entries()) {
    const isLast = index === all.length - 1;
    const frame: Frame = {
      ...frameOf(piece.offset, piece.payload, isLast),
      ...(piece.unpackedBytes !== undefined && { unpackedBytes: piece.unpackedBytes }),
      ...(isLast && compression !== undefined && { compression }),
    };
    yield { frame, plainBytes: plainBytesOf(piece) };
  }
}

function readOn(ahead: Upcoming[], stream: ChunkStream): void {
  for (let chunk = stream.take(); chunk !== undefined; chunk = stream.take()) {
    // Its failure is met when its turn comes; until then it is not unhandled.
    chunk.catch(() => {});
    ahead.push({ chunk, outgoing: undefined });
  }
}

/** The same whenever it is asked for. */
function prepared(upcoming: Upcoming, packing: PackingChoice | undefined): Promise<Outgoing> {
  upcoming.outgoing ??= prepare(upcoming.chunk, packing);
  upcoming.outgoing.catch(() => {});
  return upcoming.outgoing;
}

async function prepare(reading: Promise<HeldChunk>, packing: PackingChoice | undefined): Promise<Outgoing> {
  const chunk = await reading;
  const { pieces } = chunk;
  const asItIs = { chunk, pieces, packedFromMs: undefined };
  if (packing === undefined) return { ...asItIs, compression: undefined };
  const { decision } = packing;
  if (decision !== 'on' || pieces.length === 0) return { ...asItIs, compression: decision };
  if (chunk.keepsItsSize || !packing.triesNext()) return { ...asItIs, compression: 'data-does-not-give-way' };
  const packedFromMs = performance.now();
  const packed = await chunk.packed();
  packing.tried(packed !== undefined);
  if (packed === undefined) return { ...asItIs, packedFromMs, compression: 'data-does-not-give-way' };
  return { chunk, pieces: packed, packedFromMs, compression: 'on' };
}

/** Tells a choice how the time of a stream went. */
class Stopwatch {
  readonly #packing: PackingChoice | undefined;
  #lastMs = performance.now();
  #writeFromMs = 0;
  #forPackingMs = 0;

  constructor(packing: PackingChoice | undefined) {
    this.#packing = packing;
  }

  gotReady({ packedFromMs }: Outgoing): void {
    if (packedFromMs === undefined) return;
    this.#forPackingMs = Math.max(0, performance.now() - Math.max(this.#lastMs, packedFromMs));
  }

  beginsToWrite(): void {
    if (this.#packing !== undefined) this.#writeFromMs = performance.now();
  }

  wrote(bytes: number): void {
    if (this.#packing === undefined) return;
    const nowMs = performance.now();
    this.#packing.spent({
      elapsedMs: nowMs - this.#lastMs,
      forLinkMs: nowMs - this.#writeFromMs,
      forPackingMs: this.#forPackingMs,
      bytes,
    });
    this.#lastMs = nowMs;
    this.#forPackingMs = 0;
  }
}
