import koffi, { type KoffiFunc } from 'koffi';
import { Refusal } from '../domain/refusal.ts';

/**
 * The digests of the OpenSSL that Node itself is built with, called on libuv's threads. `node:crypto` has them on
 * the event loop only; a worker thread that calls it there costs 15 MiB, and takes shared memory alone, to which
 * V8 copies at half the speed.
 */

export type Algorithm = 'md5' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** An address in C's memory. */
export type Pointer = bigint;

interface Calls extends Readonly<Record<Algorithm, () => Pointer>> {
  readonly create: () => Pointer | null;
  readonly begin: (context: Pointer, type: Pointer, engine: null) => number;
  readonly copy: (to: Pointer, from: Pointer) => number;
  readonly update: KoffiFunc<(context: Pointer, bytes: Uint8Array, length: number) => number>;
  readonly end: (context: Pointer, digest: Uint8Array, length: [number]) => number;
  readonly free: (context: Pointer) => void;
}

/** EVP_MAX_MD_SIZE */
const LONGEST_DIGEST_BYTES = 64;

let loaded: Calls | undefined;

function openssl(): Calls {
  loaded ??= load();
  return loaded;
}

function load(): Calls {
  try {
    const node = nodeLibrary();
    return {
      md5: node.func('void *EVP_md5()'),
      sha224: node.func('void *EVP_sha224()'),
      sha256: node.func('void *EVP_sha256()'),
      sha384: node.func('void *EVP_sha384()'),
      sha512: node.func('void *EVP_sha512()'),
      create: node.func('void *EVP_MD_CTX_new()'),
      begin: node.func('int EVP_DigestInit_ex(void *context, void *type, void *engine)'),
      copy: node.func('int EVP_MD_CTX_copy_ex(void *to, void *from)'),
      update: node.func('int EVP_DigestUpdate(void *context, const void *bytes, size_t length)'),
      end: node.func('int EVP_DigestFinal_ex(void *context, void *digest, _Out_ uint32_t *length)'),
      free: node.func('void EVP_MD_CTX_free(void *context)'),
    } as unknown as Calls;
  } catch (cause) {
    throw lendsNothing(cause);
  }
}

/** Whatever is in the process: Node exports OpenSSL's functions, for addons. */
export function nodeLibrary(): ReturnType<typeof koffi.load> {
  return koffi.load(null);
}

/** For a function of OpenSSL that this Node does not export. */
export function lendsNothing(cause: unknown): Refusal {
  return new Refusal('INVALID', `this Node lends its OpenSSL to nobody: ${(cause as Error).message}`, {
    hint: 'use the Node of nodejs.org, or the one that npm brings along',
    cause,
  });
}

/** OpenSSL's description of a digest; it lives as long as the process. */
export function digestType(algorithm: Algorithm): Pointer {
  return openssl()[algorithm]();
}

/** Bytes that are being hashed: C has their address, and V8 must not free them meanwhile. */
const pinned = new Set<Uint8Array>();

/** A digest that is under way. To be disposed of when no update runs. */
export class Hash implements Disposable {
  #context: Pointer | undefined;

  private constructor(context: Pointer) {
    this.#context = context;
  }

  static of(algorithm: Algorithm): Hash {
    const hash = Hash.#empty();
    check(openssl().begin(hash.#required(), digestType(algorithm), null), `begin ${algorithm}`);
    return hash;
  }

  static #empty(): Hash {
    const context = openssl().create();
    if (context === null) throw new Refusal('INTERNAL', 'OpenSSL made no digest');
    return new Hash(context);
  }

  /** Another one that has seen the same bytes. */
  copy(): Hash {
    const hash = Hash.#empty();
    check(openssl().copy(hash.#required(), this.#required()), 'copy a digest');
    return hash;
  }

  /** The bytes that come next. They must not change until it settles, nor must anything else be called. */
  async update(bytes: Uint8Array): Promise<void> {
    const context = this.#required();
    pinned.add(bytes);
    try {
      const code = await new Promise<number>((resolve, reject) => {
        const settle = (error: unknown, result: number) => (error ? reject(error) : resolve(result));
        openssl().update.async(context, bytes, bytes.length, settle);
      });
      check(code, 'take bytes into a digest');
    } finally {
      pinned.delete(bytes);
    }
  }

  /** The digest of all that came. Nothing may come after it. */
  end(): Buffer {
    const digest = Buffer.alloc(LONGEST_DIGEST_BYTES);
    const length: [number] = [0];
    check(openssl().end(this.#required(), digest, length), 'end a digest');
    return digest.subarray(0, length[0]);
  }

  [Symbol.dispose](): void {
    if (this.#context !== undefined) openssl().free(this.#context);
    this.#context = undefined;
  }

  #required(): Pointer {
    if (this.#context !== undefined) return this.#context;
    throw new Refusal('INTERNAL', 'a digest was used after it was disposed of');
  }
}

function check(code: number, action: string): void {
  if (code !== 1) throw new Refusal('INTERNAL', `OpenSSL could not ${action}`);
}
