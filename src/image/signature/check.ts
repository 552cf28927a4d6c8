import type { KeyObject, X509Certificate } from 'node:crypto';
import { Refusal } from '../../domain/refusal.ts';
import { ZEROS_PER_UPDATE } from '../digests.ts';
import { OrderedHash } from '../ordered-hash.ts';
import { keyFor } from './certificates.ts';
import type { ImageSignature } from './image-signature.ts';
import { verifies } from './public-key.ts';

/**
 * Checks an image's signature while its bytes go by: hashed off the event loop, in the order of the calls.
 * Of an image that is converted, these are the bytes that were handed in, not the raw image.
 */
export class SignatureCheck implements AsyncDisposable {
  readonly #signature: ImageSignature;
  readonly #key: KeyObject;
  readonly #hash: OrderedHash;

  /** INVALID when the certificate is not valid `now`, or its key not of the signature's type. */
  constructor(signature: ImageSignature, certificate: X509Certificate, now: Date = new Date()) {
    this.#signature = signature;
    this.#key = keyFor(signature, certificate, now);
    this.#hash = new OrderedHash(signature.hash);
  }

  /** The bytes that come next. They must not change until it settles. */
  async update(bytes: Uint8Array): Promise<void> {
    await this.#hash.update(bytes);
  }

  /** As update() with so many zeros: a hole. `signal` is heeded every MiB. Must settle before the next call. */
  async skip(lengthBytes: number, signal?: AbortSignal): Promise<void> {
    const zeros = Buffer.alloc(Math.min(lengthBytes, ZEROS_PER_UPDATE));
    for (let left = lengthBytes; left > 0; left -= zeros.length) {
      signal?.throwIfAborted();
      await this.#hash.update(zeros.subarray(0, left));
    }
  }

  /** After the last byte. INVALID when the signature is not that of these bytes by the certificate's key. */
  async verify(): Promise<void> {
    if (verifies(this.#signature, this.#key, await this.#hash.finish())) return;
    const { certificateId } = this.#signature;
    throw new Refusal(
      'INVALID',
      `the signature of the image is not that of its bytes by certificate ${certificateId}`,
      { hint: 'the image was changed after it was signed, or was signed with another key: get it anew' },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hash[Symbol.asyncDispose]();
  }
}
