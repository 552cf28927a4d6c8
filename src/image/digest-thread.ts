import { Worker } from 'node:worker_threads';
import { Refusal } from '../domain/refusal.ts';

export type DigestRequest =
  /** Of these bytes alone. */
  | { readonly kind: 'digest'; readonly bytes: Uint8Array }
  /** Bytes, or as many zeros, that come next in the thread's stream. */
  | { readonly kind: 'update'; readonly bytes: Uint8Array }
  | { readonly kind: 'zeros'; readonly lengthBytes: number }
  /** Of the stream; the next one begins. */
  | { readonly kind: 'finish' };

export interface DigestReply {
  readonly id: number;
  readonly digest: Uint8Array | undefined;
}

// Both written out, so that tools which follow `new URL` find the file.
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('./digest-worker.ts', import.meta.url)
  : new URL('./digest-worker.js', import.meta.url);

/**
 * One worker thread for one digest algorithm. Requests are worked off in order. It keeps the
 * process alive only while it has something to do.
 */
export class DigestThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PromiseWithResolvers<Uint8Array | undefined>>();
  #nextId = 0;
  #ended: Refusal | undefined;

  constructor(algorithm: 'md5' | 'sha256' | 'sha512') {
    this.#worker = new Worker(WORKER_FILE, { workerData: { algorithm }, name: `entrepot-${algorithm}` });
    this.#worker.on('message', (reply: DigestReply) => this.#answered(reply));
    this.#worker.on('error', (error) => this.#end(ended(error)));
    this.#worker.on('exit', (code) => this.#end(ended(new Error(`exit code ${code}`))));
    this.#worker.unref();
  }

  /** Requests it has not answered. */
  get pending(): number {
    return this.#pending.size;
  }

  /** A thread that ended answers nothing any more: every request is refused. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The digest, or undefined for what has none. INTERNAL when the thread dies, CANCELLED when it is disposed of. */
  async ask(request: DigestRequest): Promise<Buffer | undefined> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Uint8Array | undefined>();
    this.#pending.set(id, answer);
    this.#worker.ref();
    this.#worker.postMessage({ id, ...request });
    const digest = await answer.promise;
    return digest && Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Refusal('CANCELLED', 'the digest threads are being stopped'));
    await this.#worker.terminate();
  }

  #answered({ id, digest }: DigestReply): void {
    const answer = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    answer?.resolve(digest);
  }

  #end(refusal: Refusal): void {
    this.#ended ??= refusal;
    for (const answer of this.#pending.values()) answer.reject(this.#ended);
    this.#pending.clear();
  }
}

/** The bytes in memory that threads share: themselves when they are, otherwise a copy. */
export function shared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function ended(cause: Error): Refusal {
  return new Refusal('INTERNAL', `a digest thread ended: ${cause.message}`, { cause });
}
