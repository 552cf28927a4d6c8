import { Refusal } from '../../domain/refusal.ts';
import type { Algorithm } from '../openssl.ts';

/** The properties by which an image says that it is signed: as Glance and cursive (signature_utils.py) name them. */
export const SIGNATURE_PROPERTIES = {
  signature: 'img_signature',
  hashMethod: 'img_signature_hash_method',
  keyType: 'img_signature_key_type',
  certificateId: 'img_signature_certificate_uuid',
} as const;

const HASHES = {
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
} as const satisfies Record<string, Algorithm>;

/** With the curve of the key, as OpenSSL calls it. */
export const KEY_TYPES = {
  'RSA-PSS': undefined,
  DSA: undefined,
  ECC_SECT571K1: 'sect571k1',
  ECC_SECT409K1: 'sect409k1',
  ECC_SECT571R1: 'sect571r1',
  ECC_SECT409R1: 'sect409r1',
  ECC_SECP521R1: 'secp521r1',
  ECC_SECP384R1: 'secp384r1',
} as const;

export type SignatureKeyType = keyof typeof KEY_TYPES;

/** What an image's properties say of its signature: over the bytes as they were handed in, whatever their format. */
export interface ImageSignature {
  /** RSA-PSS: as long as the key; else DER. */
  readonly signature: Buffer;
  readonly hash: Algorithm;
  readonly keyType: SignatureKeyType;
  /** Of the certificate whose key signed, in lower case. */
  readonly certificateId: string;
}

/**
 * The signature of an image; undefined when it has none of the four properties. INVALID, naming what is missing or
 * wrong, when it has some of them, or a value that is not known: half a signature protects nobody.
 */
export function signatureOf(properties: Readonly<Record<string, string>>): ImageSignature | undefined {
  const names = Object.values(SIGNATURE_PROPERTIES);
  const missing = names.filter((name) => (properties[name] ?? '') === '');
  if (missing.length === names.length) return undefined;
  if (missing.length > 0) {
    throw new Refusal('INVALID', `the image is signed, but lacks ${missing.join(', ')}`, {
      hint: `set all of ${names.join(', ')}, or none`,
    });
  }
  const value = (name: keyof typeof SIGNATURE_PROPERTIES) => properties[SIGNATURE_PROPERTIES[name]] ?? '';
  return {
    signature: decoded(value('signature')),
    hash: HASHES[oneOf(HASHES, SIGNATURE_PROPERTIES.hashMethod, value('hashMethod'))],
    keyType: oneOf(KEY_TYPES, SIGNATURE_PROPERTIES.keyType, value('keyType')),
    certificateId: value('certificateId').toLowerCase(),
  };
}

function oneOf<T extends object>(known: T, property: string, value: string): keyof T {
  if (Object.hasOwn(known, value)) return value as keyof T;
  throw new Refusal('INVALID', `${property} '${value}' is not known`, {
    hint: `one of ${Object.keys(known).join(', ')}`,
  });
}

/** Node's own decoder takes what it can and leaves out the rest. */
function decoded(text: string): Buffer {
  const base64 = text.replaceAll(/\s/g, '');
  if (base64.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return Buffer.from(base64, 'base64');
  throw new Refusal('INVALID', `${SIGNATURE_PROPERTIES.signature} is not base64`, {
    hint: 'base64 -w 0 signature-file prints what to set',
  });
}
