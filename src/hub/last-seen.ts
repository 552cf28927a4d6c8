import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Log } from '../telemetry/log.ts';

/** How long a sign of life may not be on disk. What a hub that was killed forgets is no more than that. */
const WRITE_MS = 10_000;

export interface LastSeenParts {
  readonly catalogue: Catalogue;
  readonly log: Log;
  /** WRITE_MS when left out. */
  readonly intervalMs?: number | undefined;
}

/** When agents were heard last, written down for all of them together now and then, and when this is disposed of. */
export class LastSeen implements Disposable {
  readonly #parts: LastSeenParts;
  /** Not on disk yet, in milliseconds since the epoch. */
  readonly #heard = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LastSeenParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#write(), this.#parts.intervalMs ?? WRITE_MS).unref();
  }

  heard(storeId: string, atMs: number): void {
    this.#heard.set(storeId, atMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#write();
  }

  #write(): void {
    const { catalogue, log } = this.#parts;
    if (this.#heard.size === 0) return;
    try {
      catalogue.transact(() => {
        for (const [storeId, atMs] of this.#heard) catalogue.stores.seen(storeId, atMs);
      });
      this.#heard.clear();
    } catch (error) {
      // Nobody is there to hear of it, and all of it is tried again with what comes.
      log.error({ err: error }, 'when agents were heard last could not be written down');
    }
  }
}
