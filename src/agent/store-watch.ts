import { setTimeout as delay } from 'node:timers/promises';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { Space, Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import type { Backoff } from './backoff.ts';
import type { Readiness } from './readiness.ts';

/** Cheap for a cluster, and fresh enough for a heartbeat. */
const ASK_INTERVAL_MS = 10_000;

/** Time does not heal these: the configuration is wrong, or the machine lacks something. */
const FOR_A_PERSON: ReadonlySet<RefusalCode> = new Set([
  'INVALID',
  'NOT_FOUND',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  'UNSUPPORTED',
]);

export interface StoreWatchParts {
  readonly store: Store;
  readonly readiness: Readiness;
  readonly log: Log;
  readonly backoff: Backoff;
  readonly askIntervalMs?: number | undefined;
}

/** Connects the store, and knows from then on whether it answers and what room it has. */
export class StoreWatch implements Disposable {
  readonly #parts: StoreWatchParts;
  #space: Space | undefined;
  #asking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: StoreWatchParts) {
    this.#parts = parts;
  }

  /** As the store last told. Undefined when it does not tell, or does not answer. */
  get space(): Space | undefined {
    return this.#space;
  }

  /**
   * Settles when the store has answered. A store that is away is tried again until `signal` aborts;
   * a refusal that only a person can heal is thrown.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { store, backoff, askIntervalMs = ASK_INTERVAL_MS } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      try {
        await unlessAborted(store.start(), signal);
        this.#space = await unlessAborted(store.space(), signal);
        break;
      } catch (error) {
        signal.throwIfAborted();
        const refusal = Refusal.from(error);
        if (FOR_A_PERSON.has(refusal.code)) throw refusal;
        this.#down(refusal);
      }
      await delay(backoff.next(), undefined, { signal });
    }
    this.#up();
    this.#timer = setInterval(() => void this.#ask(), askIntervalMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Never rejects, and never asks a store that still owes an answer. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#space = await this.#parts.store.space();
      this.#up();
    } catch (error) {
      this.#space = undefined;
      this.#down(Refusal.from(error));
    } finally {
      this.#asking = false;
    }
  }

  #up(): void {
    const { readiness, log } = this.#parts;
    if (readiness.up('store')) log.info('the store answers');
  }

  #down({ code, message, hint }: Refusal): void {
    const { readiness, log } = this.#parts;
    if (readiness.down('store', message)) log.warn({ code, hint }, `the store does not answer: ${message}`);
  }
}
