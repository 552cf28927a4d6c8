import { availableParallelism } from 'node:os';
import { Refusal } from '../domain/refusal.ts';
import { Hash } from './openssl.ts';
import { OrderedHash } from './ordered-hash.ts';

/** SHA-256 is near 2 GB/s a thread with the processor's help: more threads than this wait for the store. */
const MAX_DEFAULT_THREADS = 4;

/** Chunks begin with zeros where a hole ends in them. */
const ZERO_BLOCK = Buffer.alloc(64 * 1024);

/** States of SHA-256 after so many blocks of zeros are kept: a chunk's worth. */
const MAX_ZERO_BLOCKS = 64;

export interface DigestPoolOptions {
  /** Digests at once, on as many of libuv's threads; default: one less than there are cores, 1 to 4. */
  readonly threads?: number;
}

/**
 * SHA-256 of chunks, off the event loop. Any number of digests may be asked for at once;
 * what bounds them is the memory of whoever asks.
 */
export class DigestPool implements AsyncDisposable {
  readonly #running = new Set<Promise<unknown>>();
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  /** After so many blocks of zeros as the index says. */
  readonly #afterZeros: Promise<Hash>[] = [];
  #free: number;
  #disposed = false;

  constructor({ threads }: DigestPoolOptions = {}) {
    this.#free = threads ?? Math.min(Math.max(availableParallelism() - 1, 1), MAX_DEFAULT_THREADS);
  }

  /** `chunk` must not change until the promise settles. CANCELLED when the pool is disposed of meanwhile. */
  async sha256(chunk: Uint8Array): Promise<Buffer> {
    await this.#enter();
    const work = this.#sha256(chunk);
    this.#running.add(work);
    try {
      const digest = await work;
      this.#requireOpen();
      return digest;
    } finally {
      this.#running.delete(work);
      this.#leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve();
    await Promise.allSettled(this.#running);
    for (const state of await Promise.allSettled(this.#afterZeros.splice(0))) {
      if (state.status === 'fulfilled') state.value[Symbol.dispose]();
    }
  }

  async #sha256(chunk: Uint8Array): Promise<Buffer> {
    const zeroBlocks = leadingZeroBlocks(chunk);
    using hash = (await this.#stateAfter(zeroBlocks)).copy();
    await hash.update(chunk.subarray(zeroBlocks * ZERO_BLOCK.length));
    return hash.end();
  }

  #stateAfter(zeroBlocks: number): Promise<Hash> {
    this.#afterZeros[zeroBlocks] ??= this.#makeState(zeroBlocks);
    return this.#afterZeros[zeroBlocks];
  }

  async #makeState(zeroBlocks: number): Promise<Hash> {
    if (zeroBlocks === 0) return Hash.of('sha256');
    const state = (await this.#stateAfter(zeroBlocks - 1)).copy();
    await state.update(ZERO_BLOCK);
    return state;
  }

  async #enter(): Promise<void> {
    this.#requireOpen();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn);
    await turn.promise;
    this.#requireOpen();
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }

  #requireOpen(): void {
    if (this.#disposed) throw new Refusal('CANCELLED', 'the digests are being stopped');
  }
}

function leadingZeroBlocks(chunk: Uint8Array): number {
  const block = ZERO_BLOCK.length;
  const most = Math.min(MAX_ZERO_BLOCKS, Math.floor(chunk.length / block));
  for (let count = 0; count < most; count++) {
    // The first byte tells for nearly all data, without a call into native code.
    if (chunk[count * block] !== 0) return count;
    if (ZERO_BLOCK.compare(chunk, count * block, (count + 1) * block) !== 0) return count;
  }
  return most;
}

/** Digests of a whole image, in hexadecimal, as Glance has them. */
export interface WholeDigests {
  readonly md5: string;
  readonly sha512: string;
}

/** Zeros are taken in in pieces, so that an abort between two of them does not wait for terabytes. */
export const ZEROS_PER_UPDATE = 1024 * 1024;

/**
 * MD5 and SHA-512 of one image from its first byte to its last, side by side. Calls are worked off in the order
 * they were made, whether or not the one before has settled; a caller that wants bounded memory
 * waits for them. What fails once fails every call from then on.
 */
export class StreamDigest implements AsyncDisposable {
  readonly #md5 = new OrderedHash('md5');
  readonly #sha512 = new OrderedHash('sha512');
  #insideZeros = false;

  /** Resolves when both digests have taken `bytes` in; until then they must not change. */
  async update(bytes: Uint8Array): Promise<void> {
    this.#requireOutsideZeros();
    await bothDone(this.#md5.update(bytes), this.#sha512.update(bytes));
  }

  /** As update() with so many zeros. `signal` is heeded every MiB. Must settle before the next call. */
  async zeros(lengthBytes: number, signal?: AbortSignal): Promise<void> {
    this.#requireOutsideZeros();
    this.#insideZeros = true;
    for (const piece of zeroPieces(lengthBytes)) {
      signal?.throwIfAborted();
      await bothDone(this.#md5.update(piece), this.#sha512.update(piece));
    }
    this.#insideZeros = false;
  }

  /** SHA-512 of all that came before this call, in hexadecimal; more may come. */
  async sha512SoFar(): Promise<string> {
    this.#requireOutsideZeros();
    return (await this.#sha512.soFar()).toString('hex');
  }

  /** The digests of all that came before. Nothing may come after it. */
  async finish(): Promise<WholeDigests> {
    this.#requireOutsideZeros();
    const [md5, sha512] = await bothDone(this.#md5.finish(), this.#sha512.finish());
    return { md5: md5.toString('hex'), sha512: sha512.toString('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#md5[Symbol.asyncDispose](), this.#sha512[Symbol.asyncDispose]()]);
  }

  #requireOutsideZeros(): void {
    if (this.#insideZeros)
      throw new Refusal('INTERNAL', 'a digest was called while zeros were still being taken in');
  }
}

/** So many zeros, ZEROS_PER_UPDATE at a time, always of the same memory. */
export function* zeroPieces(lengthBytes: number): Generator<Buffer> {
  const zeros = Buffer.alloc(Math.min(lengthBytes, ZEROS_PER_UPDATE));
  for (let left = lengthBytes; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
}

/** Both have settled when this does: one may still be reading the bytes after the other failed. */
async function bothDone<T>(one: Promise<T>, other: Promise<T>): Promise<[T, T]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}
