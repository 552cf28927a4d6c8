import { Refusal } from '../domain/refusal.ts';
import type { ReadableImage, Store } from '../store/store.ts';
import { ChunkSlabs } from '../transfer/chunk-slabs.ts';
import { type ChunkOrigin, SharedChunks } from '../transfer/shared-chunks.ts';

/** Opening an RBD image costs milliseconds and a receiver asks in many small requests. */
const IDLE_CLOSE_MS = 10_000;

/** A reader's hold on an open image. Reading stops when `signal` aborts: the image is to be removed. */
export interface Lease extends AsyncDisposable {
  readonly chunks: SharedChunks;
  readonly signal: AbortSignal;
}

export interface OpenImagesOptions {
  /** How long an image that nobody reads stays open; default 10 s. */
  readonly idleCloseMs?: number;
  /** Told of each chunk that a stream got. */
  readonly onChunk?: (origin: ChunkOrigin) => void;
}

interface Opened {
  readonly image: Promise<ReadableImage>;
  readonly chunks: Promise<SharedChunks>;
  readonly abort: AbortController;
  leases: number;
  idle: NodeJS.Timeout | undefined;
  /** Settles when the image is closed. */
  readonly closed: PromiseWithResolvers<void>;
}

/**
 * Whole images kept open between requests and closed when idle. A reader never stands in the
 * way of a removal: `evict` ends the readers, and settles when the image is closed.
 */
export class OpenImages implements AsyncDisposable {
  readonly #store: Store;
  readonly #idleCloseMs: number;
  readonly #onChunk: (origin: ChunkOrigin) => void;
  readonly #slabs = new ChunkSlabs();
  readonly #opened = new Map<string, Opened>();

  constructor(store: Store, { idleCloseMs = IDLE_CLOSE_MS, onChunk = () => {} }: OpenImagesOptions = {}) {
    this.#store = store;
    this.#idleCloseMs = idleCloseMs;
    this.#onChunk = onChunk;
  }

  /** Bytes of image data in memory, of all streams together. */
  get bytesInUse(): number {
    return this.#slabs.bytesInUse;
  }

  /** NOT_FOUND when the image is not whole here. */
  async open(imageId: string): Promise<Lease> {
    const opened = this.#opened.get(imageId) ?? this.#add(imageId);
    opened.leases += 1;
    clearTimeout(opened.idle);
    try {
      const chunks = await opened.chunks;
      let released = false;
      return {
        chunks,
        signal: opened.abort.signal,
        [Symbol.asyncDispose]: async () => {
          if (!released) this.#release(imageId, opened);
          released = true;
        },
      };
    } catch (error) {
      this.#release(imageId, opened);
      throw error;
    }
  }

  /** Ends all reading of the image and closes it. Nothing to do when it is not open. */
  async evict(imageId: string, reason: Refusal): Promise<void> {
    const opened = this.#opened.get(imageId);
    if (!opened) return;
    this.#opened.delete(imageId);
    opened.abort.abort(reason);
    if (opened.leases === 0) this.#close(opened);
    await opened.closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Refusal('UNAVAILABLE', 'the agent is stopping');
    await Promise.all([...this.#opened.keys()].map((imageId) => this.evict(imageId, reason)));
  }

  #add(imageId: string): Opened {
    const image = this.#store.openWhole(imageId);
    const opened: Opened = {
      image,
      chunks: image.then((open) => new SharedChunks(open, this.#slabs, this.#onChunk)),
      abort: new AbortController(),
      leases: 0,
      idle: undefined,
      closed: Promise.withResolvers<void>(),
    };
    this.#opened.set(imageId, opened);
    // A failed opening is not kept: the next reader tries anew.
    opened.chunks.catch(() => this.#forget(imageId, opened));
    return opened;
  }

  #release(imageId: string, opened: Opened): void {
    opened.leases -= 1;
    if (opened.leases > 0) return;
    if (this.#opened.get(imageId) !== opened) {
      this.#close(opened);
      return;
    }
    opened.idle = setTimeout(() => {
      this.#forget(imageId, opened);
      this.#close(opened);
    }, this.#idleCloseMs);
    opened.idle.unref();
  }

  #forget(imageId: string, opened: Opened): void {
    if (this.#opened.get(imageId) === opened) this.#opened.delete(imageId);
  }

  #close(opened: Opened): void {
    clearTimeout(opened.idle);
    const closing = opened.image.then(
      (image) => image[Symbol.asyncDispose](),
      () => undefined,
    );
    // A close that fails leaves nothing that we could still do; the store says so when it is used next.
    closing.catch(() => undefined).finally(() => opened.closed.resolve());
  }
}
