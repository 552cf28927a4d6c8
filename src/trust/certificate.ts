import { X509Certificate } from 'node:crypto';
import { Refusal } from '../domain/refusal.ts';
import { type Identity, identityOfUri } from './identity.ts';

/** Of which an authority that names any must name one, to stand in a chain: server and client of TLS. */
const TLS_PURPOSES = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

/** How an extension with constraints on names begins: its object identifier in DER (RFC 5280, 4.2.1.10). */
const NAME_CONSTRAINTS = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** What we need of a certificate. Reading one proves nothing: who presented it, or who signed it, does. */
export interface Certificate {
  readonly identity: Identity;
  /** SHA-256 of the DER form, 64 hex digits. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Our authority dates certificates back: a clock that is this far behind still finds a new one valid. */
export const BACKDATE_MS = 5 * 60_000;

/** When a certificate is to be renewed: two thirds of the time from its issue to its end have passed. */
export function renewAtMs({ notBeforeMs, notAfterMs }: Certificate): number {
  const issuedMs = notBeforeMs + BACKDATE_MS;
  return issuedMs + ((notAfterMs - issuedMs) * 2) / 3;
}

/** INVALID when it is no certificate, or names nobody, or more than one. `given`: PEM or DER. */
export function readCertificate(given: string | Buffer): Certificate {
  return describe(parse(given));
}

/** The certificates of a PEM file, in its order. INVALID when there is none. */
export function readBundle(pem: string): X509Certificate[] {
  const found = (pem.match(PEM_BLOCK) ?? []).map((block) => parse(block));
  if (found.length === 0) throw new Refusal('INVALID', 'holds no certificate in PEM form');
  return found;
}

/** SHA-256 of the DER form, 64 hex digits. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

export function describe(certificate: X509Certificate): Certificate {
  return {
    identity: identityIn(certificate),
    fingerprint: fingerprintOf(certificate),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/**
 * What ties the first certificate of `chain` to one of the authorities: itself, those of `chain` that
 * stand between, and the authority. Each signed the one before it, and all are valid at `nowMs`. Undefined
 * when nothing does, or when `chain` is in another order. TLS checks this by itself; this is for
 * certificates that arrive in another way. Costs a signature for each certificate: who takes them from
 * others bounds their number.
 */
export function pathToAuthority(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  nowMs: number,
): readonly X509Certificate[] | undefined {
  const path: X509Certificate[] = [];
  for (const certificate of chain) {
    const below = path.at(-1);
    if (below !== undefined && !(mayStandBetween(certificate) && hasSigned(certificate, below))) break;
    if (!isValidAt(certificate, nowMs)) break;
    path.push(certificate);
    const authority = authorities.find((one) => isValidAt(one, nowMs) && hasSigned(one, certificate));
    if (authority !== undefined) return [...path, authority];
  }
  return undefined;
}

/**
 * OpenSSL would also look whether the names below are within an authority's constraints. We cannot, so
 * one that has any is not taken, unless it is believed for itself, in ca.pem. (How many may follow one
 * another is not looked at: who may sign a certificate of the hub needs nobody below to do so.)
 */
function mayStandBetween(authority: X509Certificate): boolean {
  // Node's name for the extended key usage, which may be left out.
  const purposes = authority.keyUsage as readonly string[] | undefined;
  return (
    !authority.raw.includes(NAME_CONSTRAINTS) &&
    (purposes === undefined || purposes.some((purpose) => TLS_PURPOSES.includes(purpose)))
  );
}

/** `ca` and `checkIssued` also look for the right to sign certificates, where an authority says its uses. */
function hasSigned(authority: X509Certificate, certificate: X509Certificate): boolean {
  if (!authority.ca || !certificate.checkIssued(authority)) return false;
  try {
    return certificate.verify(authority.publicKey);
  } catch {
    // A key of a kind OpenSSL does not know has signed nothing.
    return false;
  }
}

function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
}

/** The one URI of ours. Names are as OpenSSL prints them; one it had to quote is none of ours. */
function identityIn(certificate: X509Certificate): Identity {
  const uris = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
  const identity = uris.length === 1 ? identityOfUri(uris[0] ?? '') : undefined;
  if (identity !== undefined) return identity;
  throw new Refusal('INVALID', 'the certificate names nobody of this cloud', {
    hint: 'it needs exactly one URI among its subject alternative names, as spiffe://entrepot/store/dcn0',
  });
}

function parse(given: string | Buffer): X509Certificate {
  try {
    return new X509Certificate(given);
  } catch (error) {
    throw new Refusal('INVALID', 'this is not a certificate', { cause: error });
  }
}
