import { CHUNK_BYTES } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { refusalOf, throwIfAborted } from './in-flight.ts';

/** CHUNK_BYTES: librbd, the file system and OpenSSL work on them where they lie. */
export type Slab = Buffer<ArrayBuffer>;

interface Waiter {
  readonly resolve: (slab: Slab) => void;
}

/**
 * The memory of transfers: chunks lie in its slabs and nowhere else, so `count` x 4 MiB is
 * the most they take. Slabs are made when first needed and used again.
 *
 * A transfer waits for its peer with slabs in its hands. So transfers that may wait for one
 * another, or that must not slow each other down, have a pool each.
 */
export class SlabPool {
  #count: number;
  readonly #free: Slab[] = [];
  readonly #taken = new Set<Slab>();
  readonly #waiting = new Set<Waiter>();

  constructor(count: number) {
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`${count} slabs`);
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  get bytesInUse(): number {
    return this.#taken.size * CHUNK_BYTES;
  }

  /** From now on there are so many; of those that are taken, what is too many goes as it comes back. */
  resize(count: number): void {
    this.#count = count;
    this.#free.length = Math.min(this.#free.length, Math.max(0, count - this.#taken.size));
    for (const waiter of this.#waiting) {
      if (this.#taken.size >= count) return;
      this.#waiting.delete(waiter);
      waiter.resolve(this.#hand(newSlab()));
    }
  }

  /** A slab with anything in it. Waits while all are taken, first come first served; CANCELLED when `signal` aborts. */
  take(signal: AbortSignal): Promise<Slab> {
    if (signal.aborted) return Promise.reject(refusalOf(signal));
    if (this.#taken.size < this.count) return Promise.resolve(this.#hand(this.#free.pop() ?? newSlab()));
    return this.#wait(signal);
  }

  /** Gives a taken slab to the next in line. Giving one back twice is a fault. */
  giveBack(slab: Slab): void {
    if (!this.#taken.delete(slab)) throw new Refusal('INTERNAL', 'a slab was given back that is not taken');
    if (this.#taken.size >= this.#count) return;
    const [next] = this.#waiting;
    if (next === undefined) this.#free.push(slab);
    else {
      this.#waiting.delete(next);
      next.resolve(this.#hand(slab));
    }
  }

  async #wait(signal: AbortSignal): Promise<Slab> {
    throwIfAborted(signal);
    const { promise, resolve, reject } = Promise.withResolvers<Slab>();
    const waiter: Waiter = { resolve };
    const onAbort = () => {
      // Not in line any more: it has its slab already.
      if (this.#waiting.delete(waiter)) reject(refusalOf(signal));
    };
    this.#waiting.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #hand(slab: Slab): Slab {
    this.#taken.add(slab);
    return slab;
  }
}

/** Of its own, not from the memory that small buffers share. */
export function newSlab(): Slab {
  return Buffer.allocUnsafeSlow(CHUNK_BYTES);
}
