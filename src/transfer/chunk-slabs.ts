import { CHUNK_BYTES } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { newSlab, type Slab } from './slab.ts';

/** Chunks that nobody holds, kept for streams close behind, of all images together. */
export const KEPT_CHUNKS = 8;

/** One that nobody has come for in this time makes room for another: a stream close behind comes sooner. */
const KEPT_MS = 1000;

/** Slabs kept for the next chunk when nobody uses them: what two streams read ahead. */
const IDLE_SLABS = 8;

/** A chunk that nobody holds, kept in its slab as long as that is not wanted elsewhere. */
export interface KeptChunk {
  /** Chunks of the same image have the same. */
  readonly image: object;
  /** Gives its slab back. */
  drop(): void;
}

/**
 * The memory of chunks that are sent. It does not wait: who takes from it keeps to a budget of its own, so
 * all of it is at most the sum of those budgets and KEPT_CHUNKS.
 */
export class ChunkSlabs {
  readonly #idle: Slab[] = [];
  readonly #taken = new Set<Slab>();
  /** With when they were, by the clock; the oldest first. */
  readonly #kept = new Map<KeptChunk, number>();
  readonly #nowMs: () => number;

  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get bytesInUse(): number {
    return this.#taken.size * CHUNK_BYTES;
  }

  /** A slab with anything in it, for a chunk of `image`. One that is kept for another image is not kept any longer. */
  take(image: object): Slab {
    if (this.#idle.length === 0) {
      for (const kept of this.#kept.keys()) {
        if (kept.image === image) continue;
        kept.drop();
        break;
      }
    }
    const slab = this.#idle.pop() ?? newSlab();
    this.#taken.add(slab);
    return slab;
  }

  /** Giving one back twice is a fault. */
  giveBack(slab: Slab): void {
    if (!this.#taken.delete(slab)) throw new Refusal('INTERNAL', 'a slab was given back that is not taken');
    if (this.#idle.length < IDLE_SLABS) this.#idle.push(slab);
  }

  /**
   * From now on it may be dropped; at once when there is no room. Of chunks that are as likely to be wanted the
   * older are wanted sooner: were they to make room for what a stream far ahead is done with, one behind
   * by more than KEPT_CHUNKS would find none of them.
   */
  keep(chunk: KeptChunk): void {
    const nowMs = this.#nowMs();
    const [oldest] = this.#kept;
    this.#kept.set(chunk, nowMs);
    if (this.#kept.size <= KEPT_CHUNKS || oldest === undefined) return;
    const [longest, sinceMs] = oldest;
    if (nowMs - sinceMs >= KEPT_MS) longest.drop();
    else chunk.drop();
  }

  /** It is held again, or dropped. */
  unkeep(chunk: KeptChunk): void {
    this.#kept.delete(chunk);
  }
}
