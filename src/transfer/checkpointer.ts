import type { PartialImage } from '../store/store.ts';
import { unlessAborted } from './in-flight.ts';

export interface CheckpointerOptions {
  readonly image: PartialImage;
  /** Where the checkpoint is that is on the image now. */
  readonly startChunk: number;
  /** Puts a checkpoint on the image: all chunks below `nextChunk` are flushed. Durable when it settles. */
  readonly write: (nextChunk: number) => Promise<void>;
  /** A new one is due after so many chunks. */
  readonly everyChunks: number;
  /** Every data chunk below `nextChunk` is flushed, and the checkpoint that says so is durable. */
  readonly onSaved?: (nextChunk: number) => void;
}

/**
 * Keeps the checkpoint of a copy or an ingest: chunks begin in rising order, are done in any order, and the
 * checkpoint follows the chunks that are done without a gap, after they are flushed.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  /** Begun and not counted as done yet, in rising order. */
  readonly #begun: { readonly chunk: number; done: boolean }[] = [];
  #begunCount = 0;
  #doneCount = 0;
  #durableCount = 0;
  /** All data chunks below are written. */
  #nextChunk: number;
  #saving = false;
  #failed = false;
  #advanced = Promise.withResolvers<void>();

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#nextChunk = options.startChunk;
  }

  /**
   * From here on `chunk` counts as what a SIGKILL can cost: waits while `mostChunks` do. Called in
   * rising order, one call after the other.
   *
   * Does not wait for ever if chunks that begun before get done without this one's help, but for
   * at most `mostChunks - everyChunks` of them: then so many of those are done without a gap that a
   * checkpoint is due, and the last of them to be done saves it.
   */
  async begin(chunk: number, mostChunks: number, signal: AbortSignal): Promise<void> {
    while (this.#begunCount - this.#durableCount >= mostChunks) {
      await unlessAborted(this.#advanced.promise, signal);
    }
    this.#begun.push({ chunk, done: false });
    this.#begunCount++;
  }

  /** `chunk` is written. Saves the checkpoint when it is due and nobody else does. Rejects as the store does. */
  async done(chunk: number): Promise<void> {
    const entry = this.#begun.find((candidate) => candidate.chunk === chunk);
    if (entry !== undefined) entry.done = true;
    while (this.#begun[0]?.done === true) {
      this.#nextChunk = this.#begun[0].chunk + 1;
      this.#begun.shift();
      this.#doneCount++;
    }
    // After a flush that failed a later one may succeed without the bytes of the first: no more checkpoints.
    if (this.#saving || this.#failed) return;
    while (this.#doneCount - this.#durableCount >= this.#options.everyChunks)
      await this.#save(this.#nextChunk);
  }

  /** Saves what is done, if that is more than was saved: nothing may be begun or done meanwhile. */
  async saveRest(): Promise<void> {
    if (!this.#failed && this.#doneCount > this.#durableCount) await this.#save(this.#nextChunk);
  }

  /** Flushes, and records that every chunk below `nextChunk` is there. */
  async saveAll(nextChunk: number): Promise<void> {
    await this.#save(nextChunk);
  }

  async #save(nextChunk: number): Promise<void> {
    const count = this.#doneCount;
    const { image, write } = this.#options;
    this.#saving = true;
    try {
      await image.flush();
      await write(nextChunk);
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      this.#saving = false;
    }
    this.#durableCount = count;
    this.#options.onSaved?.(nextChunk);
    this.#advanced.resolve();
    this.#advanced = Promise.withResolvers();
  }
}
