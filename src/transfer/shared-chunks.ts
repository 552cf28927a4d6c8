import { CHUNK_BYTES, chunkCount, chunkLength } from '../domain/chunk.ts';
import type { ReadableImage } from '../store/store.ts';
import type { ChunkSlabs, KeptChunk } from './chunk-slabs.ts';
import {
  ChunkStream,
  type HeldChunk,
  newReceiver,
  type Receiver,
  type StreamOptions,
} from './chunk-stream.ts';
import type { ChunkRun } from './frames.ts';
import { type Piece, packedPieces, piecesOf } from './pieces.ts';
import type { Slab } from './slab.ts';

/** A stream so many chunks behind, and no more, is close behind. */
const CLOSE_CHUNKS = 32;

/** A receiver that asked for nothing for so long has left. */
const BETWEEN_REQUESTS_MS = 1000;

/** Whether a chunk was read from the store, or another stream had it already. */
export type ChunkOrigin = 'read' | 'shared';

interface Entry extends KeptChunk {
  readonly chunk: number;
  readonly slab: Slab;
  /** Settles when the chunk has been read. */
  readonly read: Promise<void>;
  /** Streams that hold it, and what works on it. */
  uses: number;
  pieces: readonly Piece[];
  packed: Promise<readonly Piece[] | undefined> | undefined;
  /** Whose stream released it last: a receiver asks for a chunk once, on one of its streams. */
  doneWith: Receiver | undefined;
}

/**
 * The chunks of an open image, for all streams that send it: those at about the same place share one reading
 * and one packing. Nobody waits for anybody else: a stream that is slow finds what the others had gone, and
 * reads it for itself.
 */
export class SharedChunks {
  readonly image: ReadableImage;
  readonly #slabs: ChunkSlabs;
  readonly #onChunk: (origin: ChunkOrigin) => void;
  readonly #entries = new Map<number, Entry>();
  readonly #streams = new Set<ChunkStream>();
  readonly #receivers = new Map<string, Receiver>();
  /** A bit for each chunk that did not give way to packing. */
  #keepTheirSize: Uint8Array | undefined;

  constructor(image: ReadableImage, slabs: ChunkSlabs, onChunk: (origin: ChunkOrigin) => void = () => {}) {
    this.image = image;
    this.#slabs = slabs;
    this.#onChunk = onChunk;
  }

  /** The same for all streams to one store; without a store, one of its own. */
  receiver(storeId: string | undefined): Receiver {
    const known = storeId === undefined ? undefined : this.#receivers.get(storeId);
    const receiver = known ?? newReceiver();
    if (storeId !== undefined) this.#receivers.set(storeId, receiver);
    return receiver;
  }

  /** For one request. To be disposed of when all its chunks are released. */
  stream(runs: readonly ChunkRun[], options: StreamOptions = {}): ChunkStream {
    const stream: ChunkStream = new ChunkStream(runs, options, {
      hold: (chunk, receiver) => this.#hold(chunk, receiver),
      end: () => {
        this.#streams.delete(stream);
        this.#dropUnwanted();
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Rejects with what the store says, once nothing reads for it any more. */
  async #hold(chunk: number, receiver: Receiver): Promise<HeldChunk> {
    for (;;) {
      const known = this.#entries.get(chunk);
      const entry = known ?? this.#begin(chunk);
      this.#use(entry);
      try {
        await entry.read;
      } catch (error) {
        this.#release(entry);
        // What failed another stream is tried anew: its failures are its own.
        if (known !== undefined) continue;
        throw error;
      }
      this.#onChunk(known === undefined ? 'read' : 'shared');
      return this.#held(entry, receiver);
    }
  }

  #held(entry: Entry, receiver: Receiver): HeldChunk {
    const { chunk } = entry;
    return {
      offset: chunk * CHUNK_BYTES,
      pieces: entry.pieces,
      keepsItsSize: this.#isKnown(chunk),
      packed: () => {
        entry.packed ??= this.#pack(entry);
        return entry.packed;
      },
      release: () => {
        entry.doneWith = receiver;
        this.#release(entry);
      },
    };
  }

  #begin(chunk: number): Entry {
    const slab = this.#slabs.take(this);
    const bytes = slab.subarray(0, chunkLength(chunk, this.image.sizeBytes));
    const read = async () => {
      try {
        await this.image.read(chunk * CHUNK_BYTES, bytes);
        entry.pieces = piecesOf(chunk * CHUNK_BYTES, bytes);
      } catch (error) {
        this.#entries.delete(chunk);
        throw error;
      }
    };
    const entry: Entry = {
      image: this,
      chunk,
      slab,
      read: Promise.resolve().then(read),
      uses: 0,
      pieces: [],
      packed: undefined,
      doneWith: undefined,
      drop: () => this.#drop(entry),
    };
    this.#entries.set(chunk, entry);
    return entry;
  }

  async #pack(entry: Entry): Promise<readonly Piece[] | undefined> {
    // Also when all streams have left: its memory is being read.
    this.#use(entry);
    try {
      const pieces = await packedPieces(entry.pieces);
      if (pieces === undefined) this.#remember(entry.chunk);
      return pieces;
    } finally {
      this.#release(entry);
    }
  }

  #use(entry: Entry): void {
    entry.uses += 1;
    this.#slabs.unkeep(entry);
  }

  #release(entry: Entry): void {
    entry.uses -= 1;
    if (entry.uses > 0) return;
    const isGood = this.#entries.get(entry.chunk) === entry;
    if (isGood && this.#isWanted(entry)) this.#slabs.keep(entry);
    else this.#drop(entry);
    this.#dropUnwanted();
  }

  #drop(entry: Entry): void {
    this.#slabs.unkeep(entry);
    if (this.#entries.get(entry.chunk) === entry) this.#entries.delete(entry.chunk);
    this.#slabs.giveBack(entry.slab);
  }

  #dropUnwanted(): void {
    for (const entry of this.#entries.values()) {
      if (entry.uses === 0 && !this.#isWanted(entry)) this.#drop(entry);
    }
  }

  /** Whether somebody else is close behind. */
  #isWanted({ chunk, doneWith }: Entry): boolean {
    if (this.#streams.size === 0) return false;
    const isClose = (to: number) => to <= chunk && chunk - to < CLOSE_CHUNKS;
    for (const { next, receiver } of this.#streams) {
      if (receiver !== doneWith && next !== undefined && isClose(next)) return true;
    }
    const nowMs = performance.now();
    for (const receiver of this.#receivers.values()) {
      if (receiver === doneWith || !isClose(receiver.furthest + 1)) continue;
      if (receiver.streams > 0 || nowMs - receiver.idleFromMs < BETWEEN_REQUESTS_MS) return true;
    }
    return false;
  }

  #isKnown(chunk: number): boolean {
    return ((this.#keepTheirSize?.[chunk >> 3] ?? 0) & (1 << (chunk & 7))) !== 0;
  }

  #remember(chunk: number): void {
    this.#keepTheirSize ??= new Uint8Array(Math.ceil(chunkCount(this.image.sizeBytes) / 8));
    this.#keepTheirSize[chunk >> 3] = (this.#keepTheirSize[chunk >> 3] ?? 0) | (1 << (chunk & 7));
  }
}
