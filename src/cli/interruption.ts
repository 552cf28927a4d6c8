import { InterruptedError } from './exit-codes.ts';

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * Turns the first Ctrl-C into an abort for as long as it is not disposed of. The second one
 * ends the process at once, as it would without us.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: (readonly [Signal, () => void])[];
  #received: Signal | undefined;

  constructor() {
    this.#listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => [
      signal,
      () => {
        this.#received = signal;
        this[Symbol.dispose]();
        this.#controller.abort();
      },
    ]);
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What to throw instead of `error` when it is only the consequence of a signal. */
  explain(error: unknown, message: string, hint?: string): unknown {
    return this.#received === undefined ? error : new InterruptedError(this.#received, message, hint);
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }
}
