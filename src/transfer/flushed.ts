import { unlessAborted } from './in-flight.ts';

/** How far an image is flushed, for whoever follows and reads it back. */
export class Flushed {
  /** Every chunk below is flushed. */
  #below: number;
  #moved = Promise.withResolvers<void>();

  constructor(below: number) {
    this.#below = below;
  }

  reach(below: number): void {
    this.#below = Math.max(this.#below, below);
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** Those of the rising `chunks`, each as soon as it is flushed. Rejects when `signal` aborts. */
  async *of(chunks: Iterable<number>, signal: AbortSignal): AsyncGenerator<number, void, void> {
    for (const chunk of chunks) {
      while (chunk >= this.#below) await unlessAborted(this.#moved.promise, signal);
      yield chunk;
    }
  }
}
