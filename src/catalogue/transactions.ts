import { AsyncLocalStorage } from 'node:async_hooks';
import { Refusal } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';

/** Others wait for the event loop no longer than this for one group, its wait for the disk not counted. */
const GROUP_MS = 20;

interface Waiting {
  /** In the context of whoever handed it over: events name whose call it was. */
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Transactions of the catalogue, one inside of another where they are nested: the outermost one is what
 * waits for the disk. A thousand agents that report at the same time wait for it once, together.
 */
export class Transactions implements Disposable {
  readonly #sqlite: Sqlite;
  readonly #begin;
  readonly #onUndone: () => void;
  #after: (() => void)[] = [];
  #waiting: Waiting[] = [];
  #flush: NodeJS.Immediate | undefined;

  /** @param onUndone called whenever writes were taken back */
  constructor(sqlite: Sqlite, onUndone: () => void) {
    this.#sqlite = sqlite;
    this.#onUndone = onUndone;
    this.#begin = sqlite.transaction((work: () => unknown) => work());
  }

  /** All of `work` is on disk, or will be with the transaction this is in, when this returns; or, when it throws, none. */
  run<T>(work: () => T): T {
    const before = this.#after.length;
    let result: T;
    try {
      result = this.#begin.immediate(work) as T;
    } catch (error) {
      this.#after.length = before;
      this.#onUndone();
      throw error;
    }
    if (!this.#sqlite.inTransaction) for (const action of this.#after.splice(0)) action();
    return result;
  }

  /** Runs `action`, which must not throw, once what was written so far is on disk; never when that is taken back. */
  afterwards(action: () => void): void {
    if (this.#sqlite.inTransaction) this.#after.push(AsyncLocalStorage.bind(action));
    else action();
  }

  /**
   * Runs `work` soon, as a transaction in one with what others hand over until then. `transact` is `run` or
   * what stands for it. Settles when it is on disk, or with what it threw, and then nothing of it is.
   */
  soon<T>(work: () => T, transact: <R>(group: () => R) => R): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const inContext = AsyncLocalStorage.bind(work);
    this.#waiting.push({ work: inContext, resolve: resolve as (result: unknown) => void, reject });
    this.#flush ??= setImmediate(() => this.#runGroup(transact));
    return promise;
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#flush);
    const closed = new Refusal('UNAVAILABLE', 'the catalogue is closed: the hub stops');
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
  }

  #runGroup(transact: <R>(group: () => R) => R): void {
    const begun: Waiting[] = [];
    const outcomes: (() => void)[] = [];
    try {
      transact(() => this.#workThrough(begun, outcomes));
      for (const tell of outcomes) tell();
    } catch (error) {
      // Where it could not even begin, that is so for all who wait.
      for (const { reject } of begun.length > 0 ? begun : this.#waiting.splice(0)) reject(error);
    }
    this.#flush = this.#waiting.length === 0 ? undefined : setImmediate(() => this.#runGroup(transact));
  }

  /** What is handed over meanwhile has its turn in the next group: whoever hands over again and again lets others in. */
  #workThrough(begun: Waiting[], outcomes: (() => void)[]): void {
    const endMs = performance.now() + GROUP_MS;
    for (let left = this.#waiting.length; left > 0; left--) {
      const one = this.#waiting.shift() as Waiting;
      begun.push(one);
      try {
        const result = this.run(one.work);
        outcomes.push(() => one.resolve(result));
      } catch (error) {
        // SQLite gives up the whole transaction when the disk is full or broken.
        if (!this.#sqlite.inTransaction) throw error;
        outcomes.push(() => one.reject(error));
      }
      if (performance.now() > endMs) return;
    }
  }
}
