import { randomUUID } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Task } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { centralOf } from '../domain/rules/index.ts';
import type { Credentials } from '../trust/credentials.ts';
import { HUB, type Identity } from '../trust/identity.ts';
import { type Ticket, type TicketAction, TicketIssuer } from '../trust/ticket.ts';

/** Who dials whom for a copy: whoever dials has to show the ticket. */
export interface Route {
  readonly action: TicketAction;
  readonly holderStoreId: string;
  readonly atStoreId: string;
}

export interface TicketsParts {
  readonly catalogue: Catalogue;
  /** The hub's, which change when they are renewed. */
  readonly credentials: () => Credentials;
  readonly now: () => number;
}

/** The tickets the hub hands out: for copies to agents, for downloads to itself. */
export class Tickets {
  readonly #parts: TicketsParts;
  #issuer: { readonly of: Credentials; readonly issuer: TicketIssuer } | undefined;

  constructor(parts: TicketsParts) {
    this.#parts = parts;
  }

  /** What the side that dials for this attempt has to show, from now on for the life of a ticket. */
  forAttempt(task: Task, attempt: number): Route & { readonly ticket: string } {
    const route = this.routeOf(task);
    const holder: Identity = { kind: 'store', storeId: route.holderStoreId };
    const ticket = this.#issue({
      taskId: task.id,
      attempt,
      jobId: task.jobId,
      imageId: task.imageId,
      action: route.action,
      holder,
      atStoreId: route.atStoreId,
    });
    return { ...route, ticket };
  }

  /** An edge pulls from central; to central an edge pushes, which nobody can dial. */
  routeOf({ id, storeId, sourceStoreId }: Task): Route {
    if (sourceStoreId === undefined) throw new Refusal('INTERNAL', `task ${id} copies from nowhere`);
    const isToCentral = storeId === centralOf(this.#parts.catalogue.stores.all()).id;
    return isToCentral
      ? { action: 'push', holderStoreId: sourceStoreId, atStoreId: storeId }
      : { action: 'pull', holderStoreId: storeId, atStoreId: sourceStoreId };
  }

  /** For a download through the hub: each call gives the ticket anew, good from then on. */
  forDownload(imageId: string, atStoreId: string): () => string {
    const taskId = randomUUID();
    return () => this.#issue({ taskId, attempt: 1, imageId, action: 'pull', holder: HUB, atStoreId });
  }

  #issue(ticket: Omit<Ticket, 'expiresAtMs'>): string {
    const { credentials, now } = this.#parts;
    const current = credentials();
    if (this.#issuer?.of !== current) this.#issuer = { of: current, issuer: new TicketIssuer(current) };
    return this.#issuer.issuer.issue(ticket, now());
  }
}
