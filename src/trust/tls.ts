import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { Refusal } from '../domain/refusal.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import type { Credentials } from './credentials.ts';

/** What the other side of a connection showed: a certificate that is good, none, or one that is not. */
export type Shown =
  | { readonly certificate: Certificate | undefined; readonly refusal?: undefined }
  | { readonly certificate?: undefined; readonly refusal: Refusal };

/** What OpenSSL says of a client's certificate, in words. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet: do the clocks agree?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'was not signed by the authority of this cloud',
  SELF_SIGNED_CERT_IN_CHAIN: 'was not signed by the authority of this cloud',
  UNABLE_TO_GET_ISSUER_CERT: 'was not signed by the authority of this cloud',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'was not signed by the authority of this cloud',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'was not signed by the authority of this cloud',
  CERT_SIGNATURE_FAILURE: 'was not signed by the authority of this cloud',
  INVALID_PURPOSE: 'is not one to call with',
};

/**
 * How a server shows itself, in TLS 1.3 and nothing older. Its authorities go with the chain: who has
 * only a fingerprint of one finds it there. No session is resumed, so that each connection shows its
 * certificate anew. INVALID when OpenSSL does not take it.
 */
export function serverContext(credentials: Credentials): SecureContextOptions {
  const { caPem, chainPem, privateKeyPem } = credentials;
  const options: SecureContextOptions = {
    ca: caPem,
    cert: `${chainPem}${caPem}`,
    key: privateKeyPem,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    // OpenSSL's own words may hold a piece of the key.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Refusal('INVALID', `TLS does not take the certificate or its key (${code})`);
  }
  return options;
}

/** What TLS found of the client behind a socket that asked for a certificate and did not insist on it. */
export function shownBy(
  socket: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate'>,
): Shown {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { certificate: undefined };
  if (!socket.authorized) {
    const error: unknown = socket.authorizationError;
    const code = error instanceof Error ? error.message : String(error);
    return { refusal: badCertificate(REASONS[code] ?? `is not accepted (${code})`) };
  }
  try {
    return { certificate: readCertificate(certificate.raw) };
  } catch (error) {
    return { refusal: badCertificate('names nobody of this cloud', Refusal.from(error).hint) };
  }
}

/** UNAUTHENTICATED when the certificate was not good, or is not any more: a connection may outlive it. */
export function requireGood(shown: Shown, nowMs: number): Certificate | undefined {
  if (shown.refusal !== undefined) throw shown.refusal;
  if (shown.certificate !== undefined && nowMs > shown.certificate.notAfterMs) {
    throw badCertificate(REASONS['CERT_HAS_EXPIRED'] ?? '');
  }
  return shown.certificate;
}

/** The token of an `authorization` header. UNAUTHENTICATED when it is of another kind. */
export function bearerIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (token !== undefined) return token;
  throw new Refusal('UNAUTHENTICATED', 'the authorization header holds no bearer token', {
    hint: '`authorization: Bearer entrepot-api-...`',
  });
}

function badCertificate(
  why: string,
  hint = 'a new certificate is needed: `entrepot operator issue NAME`, or for an agent `entrepot store add` and `entrepot agent join`',
): Refusal {
  return new Refusal('UNAUTHENTICATED', `the certificate of the caller ${why}`, { hint });
}
