import type { ImageData } from '../domain/image.ts';
import { type DigestPool, StreamDigest, type WholeDigests } from '../image/digests.ts';
import { type Manifest, ManifestBuilder } from './manifest.ts';
import { isZero } from './zeros.ts';

/** What one pass over an image's bytes finds out. */
export interface Content extends WholeDigests {
  readonly manifest: Manifest;
}

/** What the catalogue keeps of it. `virtualSizeBytes`: of a disk that is stored in another form than raw. */
export function imageDataOf({ manifest, md5, sha512 }: Content, virtualSizeBytes?: number): ImageData {
  const { sizeBytes, dataBytes, root } = manifest;
  const digests = { checksum: md5, osHashAlgo: 'sha512', osHashValue: sha512, root } as const;
  return { sizeBytes, virtualSizeBytes: virtualSizeBytes ?? sizeBytes, dataBytes, ...digests };
}

/** A chunk that is being taken in. Until both have settled its bytes must not change. */
export interface TakenChunk {
  /** Zeros: a hole, not to be written. */
  readonly isHole: boolean;
  /** MD5 and SHA-512 have it. */
  readonly streamed: Promise<void>;
  /** Its place in the manifest has its SHA-256; of a hole at once. */
  readonly digested: Promise<void>;
}

/**
 * Manifest, MD5 and SHA-512 of an image in one pass, from its first byte to its last. `add` and `skip` come in the
 * order of the image; `add` may be called again before what was added has settled.
 */
export class ContentDigest implements AsyncDisposable {
  readonly #digests: DigestPool;
  readonly #stream = new StreamDigest();
  readonly #builder: ManifestBuilder;
  /** SHA-256 of chunks that wait for those of earlier ones. */
  readonly #ahead = new Map<number, Buffer>();
  /** Data chunks whose SHA-256 is not in the manifest yet, rising. */
  readonly #waiting: number[] = [];

  constructor(sizeBytes: number, digests: DigestPool) {
    this.#builder = new ManifestBuilder(sizeBytes);
    this.#digests = digests;
  }

  add(chunk: number, bytes: Buffer): TakenChunk {
    const streamed = this.#stream.update(bytes);
    // Whoever waits for it hears of it; `digested` may fail first.
    streamed.catch(() => {});
    if (isZero(bytes)) return { isHole: true, streamed, digested: Promise.resolve() };
    this.#waiting.push(chunk);
    return { isHole: false, streamed, digested: this.#digest(chunk, bytes) };
  }

  /** So many bytes that are zeros. All that was added before has to have settled, or it waits for that. */
  async skip(lengthBytes: number, signal: AbortSignal): Promise<void> {
    await this.#stream.zeros(lengthBytes, signal);
  }

  /** SHA-512, in hexadecimal, of all that was added or skipped before this call. */
  async sha512SoFar(): Promise<string> {
    return await this.#stream.sha512SoFar();
  }

  /** After all that was added has settled. */
  async finish(): Promise<Content> {
    const manifest = this.#builder.build();
    return { manifest, ...(await this.#stream.finish()) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }

  async #digest(chunk: number, bytes: Buffer): Promise<void> {
    this.#ahead.set(chunk, await this.#digests.sha256(bytes));
    for (;;) {
      const [first] = this.#waiting;
      const digest = first === undefined ? undefined : this.#ahead.get(first);
      if (first === undefined || digest === undefined) return;
      this.#builder.add(first, digest);
      this.#ahead.delete(first);
      this.#waiting.shift();
    }
  }
}
