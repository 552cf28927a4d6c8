import { setTimeout as delay } from 'node:timers/promises';
import { apart } from './apart.ts';
import type { QueueParts } from './parts.ts';

/** Until a piece is tried again that could not be done for a fault of ours, as when the disk is full. */
const FAULT_PAUSE_MS = 10_000;

/**
 * Work that takes too long for one turn of the event loop, which others wait for: it is done in pieces, one
 * in each turn, by turns where there is several. Nothing of it is kept here but that there is more: what
 * there is to do is in the catalogue, and the next hub finds it there.
 */
export class Pieces {
  readonly #parts: Pick<QueueParts, 'catalogue' | 'onFault'>;
  readonly #apart = apart();
  /** The next piece of each work. */
  readonly #next = new Map<string, () => void>();
  #isAtWork = false;
  #stopped = false;

  constructor(parts: Pick<QueueParts, 'catalogue' | 'onFault'>) {
    this.#parts = parts;
  }

  /** Does a piece of the work `name` soon, in a transaction, unless one of it waits already. It adds the one after it. */
  add(name: string, piece: () => void): void {
    if (!this.#next.has(name)) this.#next.set(name, piece);
    if (this.#isAtWork || this.#stopped) return;
    this.#isAtWork = true;
    void this.#apart(() => this.#work());
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { catalogue, onFault } = this.#parts;
    for (const [name, piece] of this.#next) {
      this.#next.delete(name);
      try {
        await catalogue.transactSoon(() => {
          if (!this.#stopped) piece();
        });
      } catch (error) {
        if (this.#stopped) break;
        onFault(error);
        this.add(name, piece);
        await delay(FAULT_PAUSE_MS, undefined, { ref: false });
      }
    }
    this.#isAtWork = false;
  }
}
