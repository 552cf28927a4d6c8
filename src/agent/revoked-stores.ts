import { Refusal } from '../domain/refusal.ts';
import { CLOCK_SKEW_MS, TICKET_LIFETIME_MS, type Ticket } from '../trust/ticket.ts';

/**
 * The stores the hub has cut off. What is under way with them ends at once, and tickets they got
 * before that are no good. A ticket the hub issued later is, though the store stands here still: it has
 * been let in again, and the list that says so may be on its way.
 */
export class RevokedStores {
  readonly #now: () => number;
  readonly #onRevoked: (storeId: string, reason: Refusal) => void;
  /** When they were last known to be cut off. */
  readonly #revokedAtMs = new Map<string, number>();
  readonly #watchers = new Set<Watcher>();

  /** `now`: milliseconds since the epoch. `onRevoked` is told each time, before those who watch a store. */
  constructor(now: () => number, onRevoked: (storeId: string, reason: Refusal) => void) {
    this.#now = now;
    this.#onRevoked = onRevoked;
  }

  /** The hub's whole list, as of now. */
  replace(storeIds: readonly string[]): void {
    for (const known of this.#revokedAtMs.keys()) {
      if (!storeIds.includes(known)) this.#revokedAtMs.delete(known);
    }
    for (const storeId of storeIds) this.add(storeId);
  }

  /** One more, or one again. */
  add(storeId: string): void {
    this.#revokedAtMs.set(storeId, this.#now());
    const reason = refusalFor(storeId);
    this.#onRevoked(storeId, reason);
    for (const watcher of this.#watchers) if (watcher.storeId === storeId) watcher.end(reason);
  }

  /** UNAUTHENTICATED when the holder was cut off after the ticket was issued. */
  requireNotFor({ holder, expiresAtMs }: Ticket): void {
    if (holder.kind !== 'store') return;
    const revokedAtMs = this.#revokedAtMs.get(holder.storeId);
    if (revokedAtMs === undefined) return;
    const issuedAtMs = expiresAtMs - TICKET_LIFETIME_MS;
    if (issuedAtMs <= revokedAtMs + CLOCK_SKEW_MS) throw refusalFor(holder.storeId);
  }

  /** Calls `end` when the store is cut off, until disposed of. */
  watch(storeId: string, end: (reason: Refusal) => void): Disposable {
    const watcher: Watcher = { storeId, end };
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }
}

interface Watcher {
  readonly storeId: string;
  readonly end: (reason: Refusal) => void;
}

function refusalFor(storeId: string): Refusal {
  return new Refusal('UNAUTHENTICATED', `store ${storeId} has been revoked`, {
    hint: `\`entrepot store add ${storeId}\` gives its agent a token to join with again`,
  });
}
