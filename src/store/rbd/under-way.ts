/** Counts what is under way, for whoever has to wait for its end before tearing something down. */
export class UnderWay {
  #count = 0;
  #drained: (() => void)[] = [];

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const resolve of this.#drained.splice(0)) resolve();
    }
  }

  /** Settles when nothing is under way. */
  async drained(): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained.push(resolve);
    await promise;
  }
}
