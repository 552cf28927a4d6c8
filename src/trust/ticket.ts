import { type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { isUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { describe, fingerprintOf, pathToAuthority, readBundle } from './certificate.ts';
import type { Credentials } from './credentials.ts';
import { HUB, type Identity, identityOfUri, isSameIdentity, nameOf, uriOf } from './identity.ts';
import { readPrivateKey } from './keys.ts';

/** Long enough for a hub to be restarted or moved without a copy noticing. */
export const TICKET_LIFETIME_MS = 15 * 60_000;

/** The hub renews a ticket in use this often: two renewals may be lost. */
export const TICKET_RENEWAL_MS = 5 * 60_000;

/** How far the clocks of a hub and an agent may be apart. */
export const CLOCK_SKEW_MS = 30_000;

/**
 * With an authority of our own a ticket takes 1.2 KiB. Three certificates with RSA keys of 4096 bits take
 * 8 KiB. It goes with the metadata of a call, of which a server takes 16 KiB.
 */
const TICKET_LIMIT_LENGTH = 12 * 1024;

/** The hub's certificate and those between it and ca.pem: whoever checks a ticket checks as many signatures. */
const CHAIN_LIMIT = 4;

/** `pull`: the holder dials and receives. `push`: the holder dials and delivers. */
export type TicketAction = 'pull' | 'push';

/** Permission for one agent (or the hub, for a download) to read or deliver one image at another agent. */
export interface Ticket {
  /** Together with `attempt` it stays the same when the ticket is renewed. */
  readonly taskId: string;
  readonly attempt: number;
  /** For whose pace the bytes count; undefined for a download. */
  readonly jobId?: string | undefined;
  readonly imageId: string;
  readonly action: TicketAction;
  /** Who may use it. */
  readonly holder: Identity;
  /** The store whose agent accepts it. */
  readonly atStoreId: string;
  readonly expiresAtMs: number;
}

/** No ticket is longer, whichever task and stores it is for. */
const LONGEST: Omit<Ticket, 'expiresAtMs'> = {
  taskId: '0'.repeat(36),
  attempt: Number.MAX_SAFE_INTEGER,
  jobId: '0'.repeat(36),
  imageId: '0'.repeat(36),
  action: 'push',
  holder: { kind: 'store', storeId: '0'.repeat(63) },
  atStoreId: '0'.repeat(63),
};

/** Signs tickets with the hub's own key; whoever believes its authority can check them. */
export class TicketIssuer {
  readonly #key: KeyObject;
  /** In DER: the hub's certificate and those between it and ca.pem, which who checks tickets has. */
  readonly #chain: readonly Buffer[];

  constructor({ privateKeyPem, chainPem, caPem }: Credentials) {
    this.#key = readPrivateKey(privateKeyPem);
    const believed = new Set(readBundle(caPem).map(fingerprintOf));
    this.#chain = readBundle(chainPem)
      .filter((one) => !believed.has(fingerprintOf(one)))
      .map(({ raw }) => raw);
  }

  issue(ticket: Omit<Ticket, 'expiresAtMs'>, nowMs: number): string {
    const { holder, ...rest } = ticket;
    const payload = Buffer.from(
      JSON.stringify({ ...rest, holder: uriOf(holder), expiresAtMs: nowMs + TICKET_LIFETIME_MS }),
    );
    const signature = sign('sha256', signedBytes(payload), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return [payload, signature, ...this.#chain].map((part) => part.toString('base64url')).join('.');
  }
}

/**
 * INVALID, saying why, when tickets signed with these credentials would be refused everywhere. Whether
 * the hub's own certificate is valid by now is not looked at: it may be about to be renewed.
 */
export function requireSigner(credentials: Credentials, nowMs: number): void {
  const { caPem, chainPem, certificate } = credentials;
  const atMs = Math.min(Math.max(nowMs, certificate.notBeforeMs), certificate.notAfterMs);
  if (pathToAuthority(readBundle(chainPem), readBundle(caPem), atMs) === undefined) {
    throw new Refusal('INVALID', 'the certificate of the hub does not lead to an authority in ca.pem', {
      hint: 'its file holds the certificate of the hub, then that of its issuer, and so on, up to one that was issued by one in ca.pem; each must be valid, be an authority for TLS, and have no constraints on names',
    });
  }
  const longest = longestTicket(credentials);
  const certificates = longest.split('.').length - 2;
  if (certificates <= CHAIN_LIMIT && longest.length <= TICKET_LIMIT_LENGTH) return;
  throw new Refusal('INVALID', 'the certificates from that of the hub to ca.pem do not fit into a ticket', {
    hint: `they are ${certificates}, and a ticket takes ${longest.length} characters; there may be ${CHAIN_LIMIT}, and ${TICKET_LIMIT_LENGTH} characters. Those that stand in ca.pem everywhere do not count`,
  });
}

/** INVALID when the key is of a kind that tickets are not signed with. */
function longestTicket(credentials: Credentials): string {
  try {
    return new TicketIssuer(credentials).issue(LONGEST, 0);
  } catch (error) {
    throw new Refusal('INVALID', 'the key of the hub cannot sign tickets', {
      hint: 'take an ECDSA key on P-256, or an RSA key',
      cause: error,
    });
  }
}

/** Checks tickets against the authorities an agent believes. */
export class TicketReader {
  readonly #authorities: readonly X509Certificate[];
  /** The hub's certificate that was last found good, and until when: it hardly ever changes. */
  #known: { readonly certificate: X509Certificate; readonly untilMs: number } | undefined;

  constructor(caPem: string) {
    this.#authorities = readBundle(caPem);
  }

  /**
   * The ticket, when the hub signed it and it has not expired. UNAUTHENTICATED otherwise. What it is for
   * is for the caller to compare (`requireTicketFor`).
   */
  read(text: string, nowMs: number): Ticket {
    if (text.length > TICKET_LIMIT_LENGTH) throw refused('is too long');
    const parts = text.split('.').map((part) => Buffer.from(part, 'base64url'));
    const [payload, signature, ...chain] = parts;
    if (!payload || !signature || chain.length === 0) throw refused('is not one');
    if (chain.length > CHAIN_LIMIT) throw refused('holds too many certificates');
    const hub = this.#hubCertificate(chain, nowMs);
    const isSigned = verify(
      'sha256',
      signedBytes(payload),
      { key: hub.publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    );
    if (!isSigned) throw refused('was not signed by the hub, or was changed');
    const ticket = parsePayload(payload);
    if (nowMs > ticket.expiresAtMs + CLOCK_SKEW_MS) throw refused('has expired');
    if (ticket.expiresAtMs > nowMs + TICKET_LIFETIME_MS + CLOCK_SKEW_MS) {
      throw refused('is of a time to come', 'do the clocks of hub and agents agree?');
    }
    return ticket;
  }

  /** `chain`: in DER, the hub's certificate first. */
  #hubCertificate(chain: readonly Buffer[], nowMs: number): X509Certificate {
    const known = this.#known;
    if (known !== undefined && nowMs <= known.untilMs && chain[0]?.equals(known.certificate.raw)) {
      return known.certificate;
    }
    let certificates: X509Certificate[];
    try {
      certificates = chain.map((der) => new X509Certificate(der));
    } catch {
      throw refused('holds no certificate');
    }
    const [certificate] = certificates;
    const path = isOfHub(certificate) ? pathToAuthority(certificates, this.#authorities, nowMs) : undefined;
    if (certificate === undefined || path === undefined) {
      throw refused('was not signed by the hub of this cloud');
    }
    this.#known = { certificate, untilMs: Math.min(...path.map(({ validTo }) => Date.parse(validTo))) };
    return certificate;
  }
}

function isOfHub(certificate: X509Certificate | undefined): boolean {
  try {
    return certificate !== undefined && isSameIdentity(describe(certificate).identity, HUB);
  } catch {
    // Names nobody of ours.
    return false;
  }
}

/** FORBIDDEN when the ticket is for something else, naming what. */
export function requireTicketFor(
  ticket: Ticket,
  use: {
    readonly action: TicketAction;
    readonly imageId: string;
    readonly holder: Identity;
    readonly atStoreId: string;
  },
): void {
  const wrong = !isSameIdentity(ticket.holder, use.holder)
    ? `is that of ${nameOf(ticket.holder)}, not of ${nameOf(use.holder)}`
    : ticket.atStoreId !== use.atStoreId
      ? `is for store ${ticket.atStoreId}, not for ${use.atStoreId}`
      : ticket.imageId !== use.imageId
        ? `is for image ${ticket.imageId}, not for ${use.imageId}`
        : ticket.action !== use.action
          ? `is for a ${ticket.action}, not for a ${use.action}`
          : undefined;
  if (wrong !== undefined) throw new Refusal('FORBIDDEN', `the ticket ${wrong}`);
}

/** Bound to what it is, so that nothing else the hub signs can be passed off as a ticket. */
function signedBytes(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from('entrepot ticket v1\n'), payload]);
}

function parsePayload(payload: Buffer): Ticket {
  const { taskId, attempt, jobId, imageId, action, holder, atStoreId, expiresAtMs } = JSON.parse(
    payload.toString('utf8'),
  ) as Record<string, unknown>;
  const who = typeof holder === 'string' ? identityOfUri(holder) : undefined;
  if (
    typeof taskId === 'string' &&
    typeof attempt === 'number' &&
    (jobId === undefined || typeof jobId === 'string') &&
    typeof imageId === 'string' &&
    isUuid(imageId) &&
    (action === 'pull' || action === 'push') &&
    who !== undefined &&
    typeof atStoreId === 'string' &&
    typeof expiresAtMs === 'number'
  ) {
    return { taskId, attempt, jobId, imageId, action, holder: who, atStoreId, expiresAtMs };
  }
  // The hub signed it all the same: it is of a version we do not know.
  throw refused('is of another version', 'both sides should run the same version of entrepot');
}

function refused(why: string, hint?: string): Refusal {
  return new Refusal('UNAUTHENTICATED', `the ticket ${why}`, { hint });
}
