import type { ChunkRun } from './frames.ts';
import type { PackingChoice } from './packing-choice.ts';
import type { Piece } from './pieces.ts';
import { chunksOf } from './runs.ts';

/** Chunks a stream has in memory: hides one store's delay behind another's. */
export const READ_AHEAD = 4;

/** Chunks that all streams to one receiver have in memory, before each has more than one. */
export const RECEIVER_READ_AHEAD = 8;

/** All streams of one image to one receiver. */
export interface Receiver {
  streams: number;
  /** Chunks that its streams hold, each counted for each of them. */
  held: number;
  /** The furthest chunk that one of its streams took; -1: none yet. It asks for a few at a time, in order. */
  furthest: number;
  /** When its last stream ended, by `performance.now`. */
  idleFromMs: number;
  /** What was found out about packing for it; kept while the image is open, from request to request. */
  packing?: PackingChoice;
}

export function newReceiver(): Receiver {
  return { streams: 0, held: 0, furthest: -1, idleFromMs: Number.NEGATIVE_INFINITY };
}

/** A stream's hold on a chunk. */
export interface HeldChunk {
  /** What it is sent in, views of the chunk's memory: good until it is released. None when it is zeros. */
  readonly pieces: readonly Piece[];
  /** Of the image. */
  readonly offset: number;
  /** Packing it was in vain: it needs not be tried. */
  readonly keepsItsSize: boolean;
  /** The pieces packed, once for all streams; undefined when they do not give way. */
  packed(): Promise<readonly Piece[] | undefined>;
  /** Once. */
  release(): void;
}

export interface StreamOptions {
  /** Streams with the same one share what they may hold. */
  readonly receiver?: Receiver;
  /** Chunks held at once, default READ_AHEAD. */
  readonly readAhead?: number;
}

interface StreamEnds {
  readonly hold: (chunk: number, receiver: Receiver) => Promise<HeldChunk>;
  readonly end: () => void;
}

/** The chunks of one request, in order, as many at a time as its budget allows. */
export class ChunkStream implements Disposable {
  readonly receiver: Receiver;
  readonly #chunks: Iterator<number, void, void>;
  readonly #readAhead: number;
  readonly #ends: StreamEnds;
  #next: number | undefined;
  #held = 0;

  constructor(
    runs: readonly ChunkRun[],
    { receiver, readAhead = READ_AHEAD }: StreamOptions,
    ends: StreamEnds,
  ) {
    this.#chunks = chunksOf(runs);
    this.#readAhead = readAhead;
    this.receiver = receiver ?? newReceiver();
    this.#ends = ends;
    this.receiver.streams += 1;
    this.#advance();
  }

  /** The chunk it takes next; undefined when it has had all. */
  get next(): number | undefined {
    return this.#next;
  }

  /** The next chunk, or undefined when there is none or the budget is used up: one that holds nothing always gets it. */
  take(): Promise<HeldChunk> | undefined {
    const chunk = this.#next;
    if (chunk === undefined || !this.#mayHoldMore()) return undefined;
    this.#advance();
    this.#held += 1;
    this.receiver.held += 1;
    this.receiver.furthest = Math.max(this.receiver.furthest, chunk);
    return this.#hold(chunk);
  }

  [Symbol.dispose](): void {
    this.#next = undefined;
    this.receiver.streams -= 1;
    this.receiver.idleFromMs = performance.now();
    this.#ends.end();
  }

  async #hold(chunk: number): Promise<HeldChunk> {
    try {
      const held = await this.#ends.hold(chunk, this.receiver);
      return {
        ...held,
        release: () => {
          this.#letGo();
          held.release();
        },
      };
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  #letGo(): void {
    this.#held -= 1;
    this.receiver.held -= 1;
  }

  #mayHoldMore(): boolean {
    if (this.#held === 0) return true;
    const { streams, held } = this.receiver;
    const share = Math.floor(RECEIVER_READ_AHEAD / streams);
    return this.#held < Math.min(this.#readAhead, share) && held < RECEIVER_READ_AHEAD;
  }

  #advance(): void {
    const { done, value } = this.#chunks.next();
    this.#next = done === true ? undefined : value;
  }
}
