/** What is kept of a program's output, the last of it. */
export const KEPT_BYTES = 64 * 1024;

/** The last KEPT_BYTES of a stream, whatever its length. */
export class KeptText {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // Rarely, so that many short pieces are not all moved each time.
    if (this.#bytes > 2 * KEPT_BYTES) this.#cut();
  }

  toString(): string {
    this.#cut();
    return this.#chunks.join('');
  }

  #cut(): void {
    const kept = Buffer.from(Buffer.concat(this.#chunks).subarray(-KEPT_BYTES));
    this.#chunks = [kept];
    this.#bytes = kept.length;
  }
}
