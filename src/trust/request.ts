import { Refusal } from '../domain/refusal.ts';
import { ALGORITHM, webKeysOf } from './keys.ts';
import * as x509 from './x509.ts';

/** A request is a key and a signature; one that is longer holds something else. */
const REQUEST_LIMIT_BYTES = 4096;

/**
 * A certificate signing request (PKCS#10, DER) for a private key. It names nobody: whom the certificate
 * will speak for is decided by who asks, not by what is asked.
 */
export async function createRequest(privateKeyPem: string): Promise<Buffer> {
  const keys = await webKeysOf(privateKeyPem);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: keys,
    signingAlgorithm: ALGORITHM,
  });
  return Buffer.from(request.rawData);
}

/**
 * The public key (SPKI, DER) a request is for. INVALID when it is no request, when its signature shows
 * that the caller does not have the private key, or when the key is not on P-256.
 */
export async function publicKeyOfRequest(der: Buffer): Promise<Buffer> {
  if (der.length > REQUEST_LIMIT_BYTES) throw refused('is too long');
  let request: x509.Pkcs10CertificateRequest;
  let isSigned: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(der);
    isSigned = await request.verify();
  } catch (error) {
    throw refused('cannot be read', error);
  }
  const { name, namedCurve } = request.publicKey.algorithm as Partial<typeof ALGORITHM>;
  if (name !== ALGORITHM.name || namedCurve !== ALGORITHM.namedCurve) throw refused('is not for a P-256 key');
  if (!isSigned) throw refused('is not signed by the key it is for');
  return Buffer.from(request.publicKey.rawData);
}

function refused(why: string, cause?: unknown): Refusal {
  return new Refusal('INVALID', `the certificate request ${why}`, { cause });
}
