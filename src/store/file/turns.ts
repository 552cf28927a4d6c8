/** Work under one key runs one after the other, in order of arrival; different keys do not wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    // `before` never rejects: what is kept below is the settled form.
    const turn = before.then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }

  /** Settles when everything taken so far has. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
