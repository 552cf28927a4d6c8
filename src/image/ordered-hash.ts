import { Refusal } from '../domain/refusal.ts';
import { type Algorithm, Hash } from './openssl.ts';

/** One digest whose updates wait for one another. */
export class OrderedHash implements AsyncDisposable {
  readonly #algorithm: Algorithm;
  #hash: Hash | undefined;
  #disposed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(algorithm: Algorithm) {
    this.#algorithm = algorithm;
  }

  async update(bytes: Uint8Array): Promise<void> {
    await this.#inTurn((hash) => hash.update(bytes));
  }

  /** The digest of all that came before this call; more may come. */
  async soFar(): Promise<Buffer> {
    return await this.#inTurn(async (hash) => {
      using copy = hash.copy();
      return copy.end();
    });
  }

  async finish(): Promise<Buffer> {
    return await this.#inTurn(async (hash) => hash.end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await Promise.allSettled([this.#last]);
    this.#hash?.[Symbol.dispose]();
  }

  #inTurn<T>(work: (hash: Hash) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      if (this.#disposed) throw new Refusal('CANCELLED', 'the digests are being stopped');
      this.#hash ??= Hash.of(this.#algorithm);
      return work(this.#hash);
    });
    this.#last = turn;
    // Who asked is told; nobody may be there to hear of it from here.
    turn.catch(() => {});
    return turn;
  }
}
