import { CHUNK_BYTES } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { newSlab, type Slab } from './slab.ts';

/** Chunks that nobody holds, kept for streams close behind, of all images together. */
export const KEPT_CHUNKS = 4;

/** Slabs kept for the next chunk when nobody uses them: what one stream reads ahead. */
const IDLE_SLABS = 4;

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
  /** The oldest first. */
  readonly #kept = new Set<KeptChunk>();

  get bytesInUse(): number {
    return this.#taken.size * CHUNK_BYTES;
  }

  /** A slab with anything in it, for a chunk of `image`. One that is kept for another image is not kept any longer. */
  take(image: object): Slab {
    if (this.#idle.length === 0) {
      for (const kept of this.#kept) {
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

  /** From now on it may be dropped. */
  keep(chunk: KeptChunk): void {
    this.#kept.add(chunk);
    const [oldest] = this.#kept;
    if (this.#kept.size > KEPT_CHUNKS) oldest?.drop();
  }

  /** It is held again, or dropped. */
  unkeep(chunk: KeptChunk): void {
    this.#kept.delete(chunk);
  }
}
