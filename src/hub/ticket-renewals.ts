import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Log } from '../telemetry/log.ts';
import { TICKET_RENEWAL_MS } from '../trust/ticket.ts';
import type { Attachments } from './attachments.ts';
import type { Tickets } from './tickets.ts';

export interface TicketRenewalsParts {
  readonly catalogue: Catalogue;
  readonly attachments: Attachments;
  readonly tickets: Tickets;
  readonly log: Log;
  /** TICKET_RENEWAL_MS when left out. */
  readonly intervalMs?: number | undefined;
}

/**
 * Renews the tickets of copies at work, so that a copy may take days and a ticket that is stolen is
 * good for minutes. Which there are is read from the catalogue each time: nothing is lost with the hub.
 */
export class TicketRenewals implements Disposable {
  readonly #parts: TicketRenewalsParts;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: TicketRenewalsParts) {
    this.#parts = parts;
  }

  start(): void {
    const { log, intervalMs = TICKET_RENEWAL_MS } = this.#parts;
    this.#timer = setInterval(() => {
      try {
        this.#renew(() => true);
      } catch (error) {
        // Nobody is there to hear of it. A ticket lives for several rounds: the next one may be in time.
        log.error({ err: error }, 'tickets could not be renewed');
      }
    }, intervalMs).unref();
  }

  /** At once for a store whose agent came back: the hub may have been away for longer than a ticket lives. */
  renewOf(storeId: string): void {
    this.#renew((holderStoreId) => holderStoreId === storeId);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #renew(isMeant: (holderStoreId: string) => boolean): void {
    const { catalogue, tickets, attachments } = this.#parts;
    // One whose receiver is away may be at work all the same: it is away from the hub, not from its source.
    const atWork = catalogue.tasks.atWork().filter(({ kind }) => kind === 'copy');
    if (atWork.length === 0) return;
    const revoked = new Set(catalogue.stores.all().flatMap(({ id, revoked: is }) => (is ? [id] : [])));
    for (const task of atWork) {
      const { holderStoreId, atStoreId } = tickets.routeOf(task);
      const holder = attachments.get(holderStoreId);
      if (holder === undefined || !isMeant(holderStoreId) || revoked.has(atStoreId)) continue;
      const { ticket } = tickets.forAttempt(task, task.attempt);
      holder.tell({ renewedTicket: { taskId: task.id, attempt: task.attempt, ticket } });
    }
  }
}
