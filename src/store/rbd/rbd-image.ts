import { Refusal } from '../../domain/refusal.ts';
import type { Extent, PartialImage, ReadableImage } from '../store.ts';
import { ENOENT, ERANGE, type Errors } from './errno.ts';
import { dataExtents, pieceBytes } from './extents.ts';
import type { ImageHandle } from './image-handle.ts';
import { native, type Out } from './librbd.ts';

export const METADATA_LIMIT_BYTES = 64 * 1024;
const METADATA_FIRST_BYTES = 4096;
/** librbd takes no more than 2 GiB in one call; each call waits for its objects. */
const CLEAR_BYTES = 256 * 1024 * 1024;
/** librbd takes such keys as settings of the image. */
const RESERVED_KEYS = 'conf_';

/** An image, for reading. `release` gives the handle back; who lends it decides when it is closed. */
export class RbdImage implements ReadableImage {
  readonly sizeBytes: number;
  readonly handle: ImageHandle;
  readonly errors: Errors;
  readonly #objectBytes: number;
  readonly #release: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(handle: ImageHandle, errors: Errors, layout: Layout, release: () => Promise<void>) {
    this.handle = handle;
    this.errors = errors;
    this.sizeBytes = layout.sizeBytes;
    this.#objectBytes = layout.objectBytes;
    this.#release = release;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    this.requireInside('read', offset, target.length);
    if (target.length === 0) return;
    const count = await this.use((image) => native().rbd_read(image, offset, target.length, target));
    this.errors.check(count, `read image ${this.handle.imageId} at ${offset}`);
    if (count === target.length) return;
    throw new Refusal(
      'INTERNAL',
      `read ${count} of ${target.length} bytes of image ${this.handle.imageId} at ${offset}`,
    );
  }

  async extents(offset: number, length: number): Promise<Extent[]> {
    this.requireInside('look for data in', offset, length);
    this.#requireOpen();
    return await dataExtents(this.handle, this.errors, { offset, length }, this.#objectBytes);
  }

  async metadata(key: string): Promise<string | undefined> {
    return await this.use((image) => getMetadata(image, key, this.errors, this.handle.imageId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#release();
    await this.#closed;
  }

  protected use<T>(work: (image: bigint) => Promise<T>): Promise<T> {
    this.#requireOpen();
    return this.handle.use(work);
  }

  protected requireInside(verb: string, offset: number, length: number): void {
    if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.sizeBytes)
      return;
    throw new Refusal(
      'INVALID',
      `cannot ${verb} image ${this.handle.imageId} from ${offset} to ${offset + length}: it has ${this.sizeBytes} bytes`,
    );
  }

  #requireOpen(): void {
    if (this.#closed === undefined) return;
    throw new Refusal('CONFLICT', `image ${this.handle.imageId} is closed`);
  }
}

/** A partial image, for reading and writing. */
export class RbdPartialImage extends RbdImage implements PartialImage {
  async write(offset: number, source: Uint8Array): Promise<void> {
    this.requireInside('write', offset, source.length);
    if (source.length === 0) return;
    const count = await this.use((image) => native().rbd_write(image, offset, source.length, source));
    this.errors.check(count, `write image ${this.handle.imageId} at ${offset}`);
  }

  async clear(offset: number, length: number): Promise<void> {
    for (const extent of await this.extents(offset, length)) {
      for (let done = 0; done < extent.length; done += CLEAR_BYTES) {
        await this.#clearPiece(extent.offset + done, Math.min(CLEAR_BYTES, extent.length - done));
      }
    }
  }

  /** Not rbd_discard: that leaves alone what is less than its granularity. Whole objects are removed by this as well. */
  async #clearPiece(offset: number, length: number): Promise<void> {
    const count = await this.use((image) => native().rbd_write_zeroes(image, offset, length, 0, 0));
    this.errors.check(count, `clear image ${this.handle.imageId} at ${offset}`);
  }

  async flush(): Promise<void> {
    const code = await this.use((image) => native().rbd_flush(image));
    this.errors.check(code, `flush image ${this.handle.imageId}`);
  }

  async setMetadata(key: string, value: string): Promise<void> {
    requireMetadata(key, value);
    await this.use((image) => setMetadata(image, key, value, this.errors, this.handle.imageId));
  }
}

export interface Layout {
  readonly sizeBytes: number;
  readonly objectBytes: number;
}

export async function readLayout(handle: ImageHandle, errors: Errors): Promise<Layout> {
  const size: Out<number> = [null];
  const code = await handle.use((image) => native().rbd_get_size(image, size));
  errors.check(code, `read the size of image ${handle.imageId}`);
  return { sizeBytes: Number(size[0]), objectBytes: await pieceBytes(handle, errors) };
}

export async function getMetadata(
  image: bigint,
  key: string,
  errors: Errors,
  imageId: string,
): Promise<string | undefined> {
  for (let bytes = METADATA_FIRST_BYTES; ; ) {
    const buffer = Buffer.alloc(bytes);
    const length: [number] = [bytes];
    const code = await native().rbd_metadata_get(image, key, buffer, length);
    if (code === -ENOENT) return undefined;
    if (code !== -ERANGE) {
      errors.check(code, `read metadata ${key} of image ${imageId}`);
      // Closed by a NUL; the length is only told when the room was too small.
      return buffer.toString('utf8', 0, buffer.indexOf(0));
    }
    bytes = Math.max(length[0], bytes * 2);
  }
}

export async function setMetadata(
  image: bigint,
  key: string,
  value: string,
  errors: Errors,
  imageId: string,
): Promise<void> {
  const code = await native().rbd_metadata_set(image, key, value);
  errors.check(code, `set metadata ${key} of image ${imageId}`);
}

/** INVALID for what cannot be kept as an image's metadata. */
export function requireMetadata(key: string, value: string): void {
  if (key === '' || key.startsWith(RESERVED_KEYS) || key.includes('\0')) {
    throw new Refusal('INVALID', `'${key}' cannot be a key of image metadata`);
  }
  if (value.includes('\0')) throw new Refusal('INVALID', `metadata ${key} holds a NUL character`);
  if (Buffer.byteLength(value) > METADATA_LIMIT_BYTES) {
    throw new Refusal('INVALID', `metadata ${key} is longer than ${METADATA_LIMIT_BYTES} bytes`);
  }
}
