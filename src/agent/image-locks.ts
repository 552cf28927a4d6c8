/**
 * One worker at a time per image; different images run side by side. In order of arrival.
 * A waiter cannot be cancelled: it gets its turn and sees by its own signal that there is nothing
 * to do. So whoever cleans up after a cancelled task never meets another writer.
 */
export class ImageLocks {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(imageId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(imageId) ?? Promise.resolve();
    const turn = before.then(work);
    const tail = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(imageId, tail);
    try {
      return await turn;
    } finally {
      if (this.#tails.get(imageId) === tail) this.#tails.delete(imageId);
    }
  }
}
