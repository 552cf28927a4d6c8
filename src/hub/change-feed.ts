/** Tells watchers of an image's jobs that something changed. Carries no state: watchers look for themselves. */
export class ChangeFeed {
  readonly #listeners = new Map<string, Set<() => void>>();

  notify(imageId: string): void {
    for (const listener of this.#listeners.get(imageId) ?? []) listener();
  }

  /** Of any image: what changed concerns very many. */
  notifyAll(): void {
    for (const imageId of this.#listeners.keys()) this.notify(imageId);
  }

  /** Returns the way to stop listening. */
  listen(imageId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(imageId) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(imageId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(imageId);
    };
  }
}
