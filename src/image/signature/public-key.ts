import type { KeyObject } from 'node:crypto';
import type { KoffiFunc } from 'koffi';
import { Refusal } from '../../domain/refusal.ts';
import { digestType, lendsNothing, nodeLibrary, type Pointer } from '../openssl.ts';
import type { ImageSignature } from './image-signature.ts';

/**
 * Verifying a signature over a digest that is known. `node:crypto` hashes the data itself, on the event loop; so
 * OpenSSL's EVP_PKEY_verify is called, which takes the digest.
 */

/** RSA_PKCS1_PSS_PADDING */
const PSS_PADDING = 6;
/** RSA_PSS_SALTLEN_AUTO: any length. Signers differ: cursive means the longest, others that of the digest. */
const ANY_SALT = -2;

type Call = KoffiFunc<(...args: unknown[]) => number>;

interface Calls {
  readonly parse: KoffiFunc<(key: null, der: [Uint8Array], length: number) => Pointer | null>;
  readonly freeKey: KoffiFunc<(key: Pointer) => void>;
  readonly create: KoffiFunc<(key: Pointer, engine: null) => Pointer | null>;
  readonly free: KoffiFunc<(context: Pointer) => void>;
  readonly begin: Call;
  readonly setDigest: Call;
  readonly setPadding: Call;
  readonly setSalt: Call;
  readonly setMask: Call;
  readonly verify: Call;
  readonly clearErrors: KoffiFunc<() => void>;
}

let loaded: Calls | undefined;

/**
 * True when `signature` is that of the digest by the key. RSA: PSS, the mask by the same digest.
 * Takes up to a few milliseconds. INVALID when the key is not for such signatures.
 */
export function verifies(
  { signature, hash, keyType }: Pick<ImageSignature, 'signature' | 'hash' | 'keyType'>,
  key: KeyObject,
  digest: Uint8Array,
): boolean {
  loaded ??= load();
  const calls = loaded;
  const der = key.export({ type: 'spki', format: 'der' });
  const parsed = required(calls.parse(null, [der], der.length), 'read a public key');
  try {
    const context = required(calls.create(parsed, null), 'use a public key');
    try {
      const type = digestType(hash);
      requireOne(calls.begin(context));
      if (keyType === 'RSA-PSS') {
        requireOne(calls.setPadding(context, PSS_PADDING));
        requireOne(calls.setSalt(context, ANY_SALT));
        requireOne(calls.setMask(context, type));
      }
      requireOne(calls.setDigest(context, type));
      // 0 for another signature, negative for what is none.
      return calls.verify(context, signature, signature.length, digest, digest.length) === 1;
    } finally {
      calls.free(context);
    }
  } finally {
    calls.freeKey(parsed);
    // What went wrong stays in the thread's queue, and Node would take it for an error of its own.
    calls.clearErrors();
  }
}

function load(): Calls {
  try {
    const node = nodeLibrary();
    return {
      parse: node.func('void *d2i_PUBKEY(void *key, const uint8_t **der, long length)'),
      freeKey: node.func('void EVP_PKEY_free(void *key)'),
      create: node.func('void *EVP_PKEY_CTX_new(void *key, void *engine)'),
      free: node.func('void EVP_PKEY_CTX_free(void *context)'),
      begin: node.func('int EVP_PKEY_verify_init(void *context)'),
      setDigest: node.func('int EVP_PKEY_CTX_set_signature_md(void *context, const void *type)'),
      setPadding: node.func('int EVP_PKEY_CTX_set_rsa_padding(void *context, int padding)'),
      setSalt: node.func('int EVP_PKEY_CTX_set_rsa_pss_saltlen(void *context, int length)'),
      setMask: node.func('int EVP_PKEY_CTX_set_rsa_mgf1_md(void *context, const void *type)'),
      verify: node.func(
        'int EVP_PKEY_verify(void *context, const uint8_t *signature, size_t signature_length, const uint8_t *digest, size_t digest_length)',
      ),
      clearErrors: node.func('void ERR_clear_error()'),
    } as unknown as Calls;
  } catch (cause) {
    throw lendsNothing(cause);
  }
}

function required(pointer: Pointer | null, action: string): Pointer {
  if (pointer !== null) return pointer;
  throw new Refusal('INTERNAL', `OpenSSL could not ${action}`);
}

/** A key may be for some digests only (id-RSASSA-PSS). */
function requireOne(code: number): void {
  if (code === 1) return;
  throw new Refusal('INVALID', "the signer's key is not for signatures of this kind, or with this digest", {
    hint: 'openssl x509 -noout -text -in the certificate tells what the key is for',
  });
}
