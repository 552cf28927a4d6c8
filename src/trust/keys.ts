import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
} from 'node:crypto';
import { Refusal } from '../domain/refusal.ts';

/** All keys: ECDSA on P-256, which every TLS stack has, with SHA-256. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new private key, PKCS#8 in PEM. */
export function createPrivateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** INVALID when the text is no private key, or one under a password. */
export function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    return readAgain(pem);
  }
}

/**
 * Node takes an error that a TLS handshake left in OpenSSL's queue for one of this key (seen in 24.21
 * after a client certificate whose signature was wrong), and clears the queue by failing. So a good key
 * may be refused once, never twice.
 */
function readAgain(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // OpenSSL's own words may hold a piece of the key.
    const cause = error instanceof Error ? error.name : undefined;
    throw new Refusal('INVALID', 'holds no private key that can be read', { cause });
  }
}

/** The pair as WebCrypto wants it. */
export async function webKeysOf(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = readPrivateKey(privateKeyPem);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const { subtle } = webcrypto;
  try {
    return {
      privateKey: await subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']),
      publicKey: await subtle.importKey('spki', spki, ALGORITHM, true, ['verify']),
    };
  } catch {
    throw new Refusal('INVALID', 'the private key is not an ECDSA key on P-256', {
      hint: '`openssl ecparam -name prime256v1 -genkey` makes one',
    });
  }
}
