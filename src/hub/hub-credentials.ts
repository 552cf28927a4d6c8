import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { Authority, LIFETIME_MS } from '../trust/authority.ts';
import { type Certificate, readBundle, readCertificate, renewAtMs } from '../trust/certificate.ts';
import {
  CA_KEY_FILE,
  type Credentials,
  IDENTITY_FILE,
  loadCredentials,
  parseCredentials,
  readSecret,
} from '../trust/credentials.ts';
import { HUB, type Identity, isSameIdentity, nameOf } from '../trust/identity.ts';
import { requireSigner } from '../trust/ticket.ts';

/** A certificate that was just issued. */
export interface IssuedCertificate {
  readonly pem: string;
  readonly certificate: Certificate;
}

/**
 * The hub's own key and certificate, and the authority it issues others' with. Where there is no
 * `ca.key`, certificates come from an authority of the organisation, and the hub issues none.
 */
export class HubCredentials {
  readonly #folder: string;
  readonly #authority: Authority | undefined;
  readonly #now: () => number;
  #current: Credentials;

  private constructor(
    folder: string,
    current: Credentials,
    authority: Authority | undefined,
    now: () => number,
  ) {
    this.#folder = folder;
    this.#current = current;
    this.#authority = authority;
    this.#now = now;
  }

  /** NOT_FOUND when `entrepot hub init` was not run, INVALID when a file is not what it should be. */
  static async load(folder: string, now: () => number = Date.now): Promise<HubCredentials> {
    const current = await loadHub(folder, now());
    const authority = await loadAuthority(folder, current.caPem);
    return new HubCredentials(folder, current, authority, now);
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Whether the hub issues certificates itself. */
  get issues(): boolean {
    return this.#authority !== undefined;
  }

  /** CONFLICT when certificates come from elsewhere. `publicKey`: SPKI, DER. */
  async issue(identity: Identity, publicKey: Buffer, lifetimeMs: number): Promise<IssuedCertificate> {
    const pem = await this.#own(nameOf(identity)).issue(identity, publicKey, {
      lifetimeMs,
      nowMs: this.#now(),
    });
    return { pem, certificate: readCertificate(pem) };
  }

  /** CONFLICT, saying for whom, when certificates come from elsewhere. */
  requireIssues(whose: string): void {
    this.#own(whose);
  }

  /**
   * Replaces the hub's certificate once two thirds of its life have passed, in memory: a hub that is
   * started anew does it again. Where the organisation issues them, what its folder holds by now is
   * taken. True when `current` is another one.
   */
  async renew(): Promise<boolean> {
    if (this.#authority === undefined) return this.#reload();
    const { caPem, certificate, privateKeyPem } = this.#current;
    if (this.#now() < renewAtMs(certificate)) return false;
    const publicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' });
    const { pem } = await this.issue(HUB, publicKey, LIFETIME_MS.hub);
    this.#current = parseCredentials(caPem, `${privateKeyPem}${pem}`);
    return true;
  }

  /** Whether the certificate should have been replaced by now, and was not. */
  isOverdue(): boolean {
    return this.#now() >= renewAtMs(this.#current.certificate);
  }

  async #reload(): Promise<boolean> {
    const found = await loadHub(this.#folder, this.#now());
    const isSame =
      found.certificate.fingerprint === this.#current.certificate.fingerprint &&
      found.caPem === this.#current.caPem;
    if (!isSame) this.#current = found;
    return !isSame;
  }

  #own(whose: string): Authority {
    if (this.#authority !== undefined) return this.#authority;
    throw new Refusal('CONFLICT', `this hub issues no certificates, so none for ${whose}`, {
      hint: 'ask whoever runs the certificate authority of your organisation: docs/certificates.md tells what it has to say (an operator is added with --without-credentials)',
    });
  }
}

async function loadHub(folder: string, nowMs: number): Promise<Credentials> {
  const credentials = await loadCredentials(folder).catch((error: unknown) => {
    const { code, message, hint } = Refusal.from(error);
    if (code !== 'NOT_FOUND') throw error;
    throw new Refusal(code, message, {
      hint: hint ?? '`entrepot hub init` makes the credentials of a hub',
      cause: error,
    });
  });
  const { identity } = credentials.certificate;
  if (!isSameIdentity(identity, HUB)) {
    throw new Refusal('INVALID', `${folder}: holds the certificate of ${nameOf(identity)}, not of the hub`, {
      hint: 'set `credentials` in the hub configuration to the folder that `entrepot hub init` made',
    });
  }
  try {
    requireSigner(credentials, nowMs);
  } catch (error) {
    const { code, message, hint } = Refusal.from(error);
    throw new Refusal(code, `${join(folder, IDENTITY_FILE)}: ${message}`, { hint });
  }
  return credentials;
}

/** The authority whose key is in the folder; undefined when there is none. INVALID when it is not that of `caPem`. */
export async function loadAuthority(folder: string, caPem: string): Promise<Authority | undefined> {
  let privateKeyPem: string;
  try {
    privateKeyPem = await readSecret(join(folder, CA_KEY_FILE));
  } catch (error) {
    if (error instanceof Refusal && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  try {
    return await Authority.open({ certificatePem: firstOf(caPem), privateKeyPem });
  } catch (error) {
    const { code, message, hint } = Refusal.from(error);
    throw new Refusal(code, `${join(folder, CA_KEY_FILE)}: ${message}`, { hint });
  }
}

/** The authority that issues stands first; others are believed beside it. */
function firstOf(caPem: string): string {
  return readBundle(caPem)[0]?.toString() ?? '';
}
