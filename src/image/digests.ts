import { availableParallelism } from 'node:os';
import { Refusal } from '../domain/refusal.ts';
import { DigestThread, shared } from './digest-thread.ts';

/** SHA-256 is near 2 GB/s a thread with the processor's help: more threads than this wait for the store. */
const MAX_DEFAULT_THREADS = 4;

export interface DigestPoolOptions {
  /** Worker threads; default: one less than there are cores, 1 to 4. They start when first needed. */
  readonly threads?: number;
}

/**
 * SHA-256 of chunks, off the event loop. Any number of digests may be asked for at once;
 * what bounds them is the memory of whoever asks.
 */
export class DigestPool implements AsyncDisposable {
  readonly #threadCount: number;
  readonly #threads: DigestThread[] = [];
  #disposed = false;

  constructor({ threads }: DigestPoolOptions = {}) {
    this.#threadCount = threads ?? Math.min(Math.max(availableParallelism() - 1, 1), MAX_DEFAULT_THREADS);
  }

  /**
   * `chunk` must not change until the promise settles. Backed by shared memory it is not
   * copied. INTERNAL when the thread dies under it; the next call gets a new one.
   */
  async sha256(chunk: Uint8Array): Promise<Buffer> {
    const digest = await this.#leastBusy().ask({ kind: 'digest', bytes: shared(chunk) });
    return digest ?? noDigest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#threads.splice(0).map((thread) => thread[Symbol.asyncDispose]()));
  }

  #leastBusy(): DigestThread {
    if (this.#disposed) throw new Refusal('CANCELLED', 'the digest threads are being stopped');
    for (const [index, thread] of this.#threads.entries()) {
      if (thread.hasEnded) this.#threads[index] = new DigestThread('sha256');
    }
    const idle = this.#threads.find((thread) => thread.pending === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.#threadCount) {
      const thread = new DigestThread('sha256');
      this.#threads.push(thread);
      return thread;
    }
    return this.#threads.reduce((least, thread) => (thread.pending < least.pending ? thread : least));
  }
}

/** Digests of a whole image, in hexadecimal, as Glance has them. */
export interface WholeDigests {
  readonly md5: string;
  readonly sha512: string;
}

/** Zeros are asked for in pieces, so that an abort between two calls does not wait for terabytes. */
export const ZEROS_PER_REQUEST = 64 * 1024 * 1024;

/**
 * MD5 and SHA-512 of one image from its first byte to its last, a thread each, started when
 * first needed. Calls are worked off in the order they were made, whether or not the one
 * before has settled; a caller that wants bounded memory waits for them. A thread that dies
 * fails every call from then on (INTERNAL).
 */
export class StreamDigest implements AsyncDisposable {
  #started: { readonly md5: DigestThread; readonly sha512: DigestThread } | undefined;
  #insideZeros = false;

  /** Resolves when both threads have taken `bytes` in; until then they must not change. */
  async update(bytes: Uint8Array): Promise<void> {
    const { md5, sha512 } = this.#threads();
    const request = { kind: 'update', bytes: shared(bytes) } as const;
    await bothDone(md5.ask(request), sha512.ask(request));
  }

  /** As update() with so many zeros. `signal` is heeded every 64 MiB. Must settle before the next call. */
  async zeros(lengthBytes: number, signal?: AbortSignal): Promise<void> {
    const { md5, sha512 } = this.#threads();
    this.#insideZeros = true;
    for (let left = lengthBytes; left > 0; left -= ZEROS_PER_REQUEST) {
      signal?.throwIfAborted();
      const request = { kind: 'zeros', lengthBytes: Math.min(left, ZEROS_PER_REQUEST) } as const;
      await bothDone(md5.ask(request), sha512.ask(request));
    }
    this.#insideZeros = false;
  }

  /** The digests of all that came before. */
  async finish(): Promise<WholeDigests> {
    const { md5, sha512 } = this.#threads();
    const [md5Digest, sha512Digest] = await bothDone(
      md5.ask({ kind: 'finish' }),
      sha512.ask({ kind: 'finish' }),
    );
    return { md5: hex(md5Digest), sha512: hex(sha512Digest) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = this.#started;
    if (threads === undefined) return;
    await Promise.all([threads.md5[Symbol.asyncDispose](), threads.sha512[Symbol.asyncDispose]()]);
  }

  #threads() {
    if (this.#insideZeros)
      throw new Refusal('INTERNAL', 'a digest was called while zeros were still being taken in');
    this.#started ??= { md5: new DigestThread('md5'), sha512: new DigestThread('sha512') };
    return this.#started;
  }
}

/** Both have settled when this does: a thread may still be reading the bytes after the other failed. */
async function bothDone<T>(one: Promise<T>, other: Promise<T>): Promise<[T, T]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

function hex(digest: Buffer | undefined): string {
  return (digest ?? noDigest()).toString('hex');
}

function noDigest(): never {
  throw new Refusal('INTERNAL', 'a digest thread answered without a digest');
}
