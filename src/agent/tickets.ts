import { Refusal } from '../domain/refusal.ts';
import { MAX_CONNECTIONS } from '../rpc/link-plan.ts';
import type { TicketRefusal } from '../telemetry/agent-metrics.ts';
import type { Certificate } from '../trust/certificate.ts';
import { type Identity, isSameIdentity, nameOf, subjectOf } from '../trust/identity.ts';
import {
  CLOCK_SKEW_MS,
  requireTicketFor,
  type Ticket,
  type TicketAction,
  TicketReader,
} from '../trust/ticket.ts';
import type { AttemptKey } from './messages.ts';
import type { RevokedStores } from './revoked-stores.ts';

/**
 * Tasks that are remembered at a time of one holder: four begun each second, for as long as a ticket
 * lives. Some 500 bytes each, so 2 MiB for a store that does nothing but begin. There is no limit of all
 * together, which one could use up for the others: the hub has only so many stores, and tasks.
 */
const TASKS_PER_HOLDER_LIMIT = 4096;

/** Of one attempt: more than one fill a far link better than one does. */
const CONNECTIONS_PER_TICKET = MAX_CONNECTIONS;

/** What a stream is for, as its caller and its first message say. */
export interface TicketUse {
  readonly action: TicketAction;
  readonly imageId: string;
  /** The caller, as its certificate says. */
  readonly holder: Identity;
  /** The certificate itself: an identity may have several. */
  readonly certificate: Pick<Certificate, 'fingerprint' | 'notBeforeMs'>;
  /** The caller's connection. */
  readonly peer: string;
  /** Of a push: what the caller says it delivers for. */
  readonly attempt?: AttemptKey;
}

/** A stream that was let in. To be disposed of when it has ended. */
export interface Admission extends Disposable {
  readonly ticket: Ticket;
  /** Aborts when the stream must end: with the Refusal that says why. */
  readonly signal: AbortSignal;
}

export interface TicketDeskParts {
  /** The store of this agent. */
  readonly storeId: string;
  /** The authorities whose hub is believed. */
  readonly caPem: string;
  readonly revoked: RevokedStores;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onRefused: (reason: TicketRefusal) => void;
}

/** The newest attempt of a task that was seen here, and the certificates and connections it was seen with. */
interface Entry {
  readonly attempt: number;
  readonly imageId: string;
  readonly action: TicketAction;
  readonly holder: Identity;
  /** The newest it was seen with: a copy may outlive the one it began with. */
  certificate: TicketUse['certificate'];
  /** All there have been, with the certificate of each: one that broke may be somebody's who repeats what it saw. */
  readonly peers: Map<string, string>;
  readonly streams: Set<AbortController>;
  expiresAtMs: number;
  /** Set while there are streams. */
  expiry: NodeJS.Timeout | undefined;
}

/**
 * Where streams of image data show their tickets. The tickets of an attempt are good for any number of
 * streams of the first CONNECTIONS_PER_TICKET connections, all with the certificate that was shown first, and
 * of as many with each that its holder renewed it by, until they expire or a later attempt of the task comes; then the
 * streams end. (Those of a holder that is
 * cut off are ended by the server, with all its other calls.)
 *
 * It remembers a task until its ticket has expired, and no more than TASKS_PER_HOLDER_LIMIT of one holder:
 * a new one of this holder is then refused, as forgetting one would let its ticket be replayed. Those the
 * hub holds for downloads are forgotten with their last stream: nobody can show them again but who has the
 * hub's key, and whoever has that can sign new ones.
 */
export class TicketDesk {
  readonly #parts: TicketDeskParts;
  #reader: TicketReader;
  /** By task. */
  readonly #entries = new Map<string, Entry>();
  /** How many of them, by holder. */
  readonly #held = new Map<string, number>();

  constructor(parts: TicketDeskParts) {
    this.#parts = parts;
    this.#reader = new TicketReader(parts.caPem);
  }

  /** Tasks that are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Other authorities from now on. */
  believe(caPem: string): void {
    this.#reader = new TicketReader(caPem);
  }

  /** For a stream that has yet to say what it is for: a ticket that is not good gets no further. */
  requireSound(text: string | undefined): void {
    this.#read(text);
  }

  /**
   * UNAUTHENTICATED when the ticket is not good, or not good any more: another one may be. FORBIDDEN
   * when it is good for something else. UNAVAILABLE when its holder has too many in use.
   */
  admit(text: string | undefined, use: TicketUse): Admission {
    const ticket = this.#read(text);
    this.#check('misused', () => {
      requireTicketFor(ticket, { ...use, atStoreId: this.#parts.storeId });
      requireAttempt(ticket, use.attempt);
    });
    this.#check('revoked', () => this.#parts.revoked.requireNotFor(ticket));
    const entry = this.#entryFor(ticket, use);
    const stream = new AbortController();
    entry.streams.add(stream);
    this.#extend(entry, ticket.expiresAtMs);
    return {
      ticket,
      signal: stream.signal,
      [Symbol.dispose]: () => {
        entry.streams.delete(stream);
        if (entry.streams.size > 0) return;
        clearTimeout(entry.expiry);
        if (entry.holder.kind === 'hub') this.#forget(ticket.taskId, entry);
      },
    };
  }

  /**
   * A ticket in place of the one that streams of this attempt were let in with, shown on one of its connections;
   * when it expires, milliseconds since the epoch. NOT_FOUND when there are none; otherwise as `admit`.
   */
  renew(text: string, { holder, ...from }: Pick<TicketUse, 'holder' | 'certificate' | 'peer'>): number {
    const ticket = this.#read(text);
    this.#check('revoked', () => this.#parts.revoked.requireNotFor(ticket));
    const entry = this.#entries.get(ticket.taskId);
    if (entry === undefined || entry.attempt < ticket.attempt) {
      throw new Refusal('NOT_FOUND', 'nothing has been asked for with this ticket yet');
    }
    const { imageId, action } = entry;
    this.#check('misused', () =>
      requireTicketFor(ticket, { imageId, action, holder, atStoreId: this.#parts.storeId }),
    );
    this.#requireSameUse(entry, ticket, from);
    if (!entry.peers.has(from.peer)) throw this.#replayed();
    this.#extend(entry, ticket.expiresAtMs);
    return entry.expiresAtMs;
  }

  #read(text: string | undefined): Ticket {
    if (text === undefined || text === '') {
      throw this.#refused('missing', new Refusal('UNAUTHENTICATED', 'a ticket of the hub is needed'));
    }
    try {
      return this.#reader.read(text, this.#parts.now());
    } catch (error) {
      const refusal = Refusal.from(error);
      throw this.#refused(refusal.message.endsWith('has expired') ? 'expired' : 'unsound', refusal);
    }
  }

  #entryFor(ticket: Ticket, { action, imageId, holder, certificate, peer }: TicketUse): Entry {
    const known = this.#entries.get(ticket.taskId);
    if (known !== undefined && known.attempt >= ticket.attempt) {
      this.#requireSameUse(known, ticket, { certificate, peer });
      // A stream more on a connection from before the renewal changes nothing.
      if (certificate.notBeforeMs > known.certificate.notBeforeMs) known.certificate = certificate;
      known.peers.set(peer, certificate.fingerprint);
      return known;
    }
    if (known === undefined || !isSameIdentity(known.holder, holder)) this.#makeRoom(holder);
    if (known !== undefined) {
      endStreams(known, new Refusal('UNAUTHENTICATED', 'a later attempt has begun'));
      this.#forget(ticket.taskId, known);
    }
    const { attempt, expiresAtMs } = ticket;
    const streams = new Set<AbortController>();
    const origin = { holder, certificate, peers: new Map([[peer, certificate.fingerprint]]) };
    const entry = { attempt, imageId, action, ...origin, streams, expiresAtMs, expiry: undefined };
    this.#entries.set(ticket.taskId, entry);
    this.#held.set(subjectOf(holder), this.#heldBy(holder) + 1);
    return entry;
  }

  /** Does nothing when a later attempt has taken its place. */
  #forget(taskId: string, entry: Entry): void {
    if (this.#entries.get(taskId) !== entry) return;
    this.#entries.delete(taskId);
    const left = this.#heldBy(entry.holder) - 1;
    if (left > 0) this.#held.set(subjectOf(entry.holder), left);
    else this.#held.delete(subjectOf(entry.holder));
  }

  #heldBy(holder: Identity): number {
    return this.#held.get(subjectOf(holder)) ?? 0;
  }

  /** The ticket is for the attempt of `entry`, and comes from who showed the first one of this attempt. */
  #requireSameUse(
    entry: Entry,
    ticket: Ticket,
    { certificate, peer }: Pick<TicketUse, 'certificate' | 'peer'>,
  ): void {
    if (ticket.attempt < entry.attempt) {
      const refusal = new Refusal('UNAUTHENTICATED', 'the ticket is of an earlier attempt');
      throw this.#refused('superseded', refusal);
    }
    const { fingerprint, notBeforeMs } = certificate;
    const knownAs = entry.peers.get(peer);
    const isRenewed = notBeforeMs > entry.certificate.notBeforeMs;
    const isNew = knownAs === undefined && (isRenewed || fingerprint === entry.certificate.fingerprint);
    const places = [...entry.peers.values()].filter((other) => other === fingerprint).length;
    const isSameCaller = isSameIdentity(entry.holder, ticket.holder);
    const hasPlace = knownAs === fingerprint || (isNew && places < CONNECTIONS_PER_TICKET);
    if (!isSameCaller || !hasPlace) throw this.#replayed();
  }

  #replayed(): Refusal {
    return this.#refused(
      'replayed',
      new Refusal('UNAUTHENTICATED', 'the ticket is in use on other connections'),
    );
  }

  #makeRoom(holder: Identity): void {
    const nowMs = this.#parts.now();
    for (const [taskId, entry] of this.#entries) {
      const { streams, expiresAtMs } = entry;
      if (streams.size === 0 && expiresAtMs + CLOCK_SKEW_MS < nowMs) this.#forget(taskId, entry);
    }
    if (this.#heldBy(holder) < TASKS_PER_HOLDER_LIMIT) return;
    const refusal = new Refusal('UNAVAILABLE', `${nameOf(holder)} has too many tickets in use here`);
    throw this.#refused('crowded', refusal);
  }

  /** A ticket only ever lengthens what an earlier one gave. */
  #extend(entry: Entry, expiresAtMs: number): void {
    entry.expiresAtMs = Math.max(entry.expiresAtMs, expiresAtMs);
    clearTimeout(entry.expiry);
    if (entry.streams.size === 0) return;
    const leftMs = entry.expiresAtMs + CLOCK_SKEW_MS - this.#parts.now();
    const expired = () => endStreams(entry, new Refusal('UNAUTHENTICATED', 'the ticket has expired'));
    entry.expiry = setTimeout(expired, Math.max(0, leftMs)).unref();
  }

  #check(reason: TicketRefusal, check: () => void): void {
    try {
      check();
    } catch (error) {
      throw this.#refused(reason, Refusal.from(error));
    }
  }

  #refused(reason: TicketRefusal, refusal: Refusal): Refusal {
    this.#parts.onRefused(reason);
    return refusal;
  }
}

function requireAttempt({ taskId, attempt }: Ticket, claimed: AttemptKey | undefined): void {
  if (claimed === undefined || (claimed.taskId === taskId && claimed.attempt === attempt)) return;
  throw new Refusal('FORBIDDEN', `the ticket is for attempt ${attempt} of task ${taskId}, not for another`);
}

function endStreams({ streams, expiry }: Entry, reason: Refusal): void {
  clearTimeout(expiry);
  for (const stream of streams) stream.abort(reason);
}
