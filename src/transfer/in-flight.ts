import { Refusal } from '../domain/refusal.ts';

/** What `signal` aborted with, as a Refusal: CANCELLED unless its reason says more. */
export function refusalOf(signal: AbortSignal): Refusal {
  const { reason } = signal;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new Refusal('TIMEOUT', 'the time for this transfer is up', { cause: reason });
  }
  return Refusal.from(reason);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw refusalOf(signal);
}

/** Settles as `promise` does, or rejects at once when `signal` aborts; `promise` then goes on unheeded. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(refusalOf(signal));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The values of `source`; rejects at once when `signal` aborts, however long the next value takes. */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  let open = true;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done === true) {
        open = false;
        return;
      }
      yield next.value;
    }
  } finally {
    // Not awaited: a generator takes its return only after the value it is still waiting for.
    if (open) iterator.return?.().catch(() => {});
  }
}

/** Waits for all, also when one fails; then throws the first failure in the order given. */
export async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** Work running side by side, at most `width` pieces, started by one caller. */
export class InFlight {
  readonly #width: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** `onFailure` is called with the first failure only. */
  constructor(width: number, onFailure: (error: unknown) => void) {
    this.#width = width;
    this.#onFailure = onFailure;
  }

  /**
   * Waits for a place, then calls `work` and returns while it runs. Throws instead when
   * something started earlier has failed.
   */
  async start(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#width) await Promise.race(this.#running);
    this.#throwFailure();
    const task: Promise<void> = this.#run(work).finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Waits for everything that was started. Never throws. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Waits for everything that was started; throws the first failure. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#failure !== undefined) return;
      this.#failure = { error };
      this.#onFailure(error);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * Runs `body`, which starts work through `inFlight`. The signal it gets aborts with the
 * caller's, and as soon as any of that work fails: so a body that waits for its peer wakes
 * up. Whatever happens, everything started has settled before this does. Rejects with what
 * went wrong first.
 */
export async function withInFlight<T>(
  width: number,
  signal: AbortSignal,
  body: (inFlight: InFlight, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const inFlight = new InFlight(width, (error) => failed.abort(error));
  try {
    throwIfAborted(signal);
    const result = await body(inFlight, either);
    await inFlight.finish();
    return result;
  } catch (error) {
    // After an abort, the caller's or a failure's, what the body throws is only its echo.
    const first = either.aborted ? refusalOf(either) : Refusal.from(error);
    failed.abort(first);
    await inFlight.settle();
    throw first;
  }
}
