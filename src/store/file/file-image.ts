import type { FileHandle } from 'node:fs/promises';
import { Refusal } from '../../domain/refusal.ts';
import type { Extent, PartialImage, ReadableImage } from '../store.ts';
import { attempt } from './errno.ts';
import type { Quota } from './quota.ts';
import type { Sidecar } from './sidecar.ts';
import { dataExtents, punchHole } from './sparse.ts';

/** Blocks of file systems are no larger. */
const BLOCK_BYTES = 64 * 1024;
/** Where no hole can be made zeros are written, so much at a time. */
const ZEROS_BYTES = 1024 * 1024;

export interface ImageParts {
  readonly imageId: string;
  readonly sizeBytes: number;
  readonly handle: FileHandle;
  /** Undefined for a file of others: it has no metadata. */
  readonly sidecar: Sidecar | undefined;
  /** Called once, when it is closed. */
  readonly onClosed: (image: ImageFile) => void;
}

/** An image file, open for reading. */
export class ImageFile implements ReadableImage {
  readonly imageId: string;
  readonly sizeBytes: number;
  protected readonly handle: FileHandle;
  readonly #sidecar: Sidecar | undefined;
  readonly #onClosed: (image: ImageFile) => void;
  readonly #running = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(parts: ImageParts) {
    this.imageId = parts.imageId;
    this.sizeBytes = parts.sizeBytes;
    this.handle = parts.handle;
    this.#sidecar = parts.sidecar;
    this.#onClosed = parts.onClosed;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    this.requireInside('read', offset, target.length);
    await this.run('read', async () => {
      for (let done = 0; done < target.length; ) {
        const { bytesRead } = await this.handle.read(target, done, target.length - done, offset + done);
        if (bytesRead === 0) throw shortened(this.imageId, offset + done);
        done += bytesRead;
      }
    });
  }

  async extents(offset: number, length: number): Promise<Extent[]> {
    this.requireInside('list extents', offset, length);
    return await this.run('find the holes of', () => dataExtents(this.handle, offset, length));
  }

  async metadata(key: string): Promise<string | undefined> {
    return await this.run('read the metadata of', async () => this.#sidecar?.get(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    // Whoever closes a writer (openPartial, publish) relies on nothing of it coming after.
    await Promise.allSettled(this.#running);
    this.#onClosed(this);
    await attempt(`close image ${this.imageId}`, () => this.handle.close());
  }

  /** Everything done on the open file goes through here: closing waits for it, and it is refused after. */
  protected async run<T>(verb: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      throw new Refusal('CONFLICT', `cannot ${verb} image ${this.imageId}: it is closed`);
    }
    const running = attempt(`${verb} image ${this.imageId}`, work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  protected requireInside(verb: string, offset: number, length: number): void {
    const inside = Number.isSafeInteger(offset) && offset >= 0 && offset + length <= this.sizeBytes;
    if (inside && length >= 0) return;
    throw new Refusal(
      'INVALID',
      `cannot ${verb} at ${offset} + ${length}: image ${this.imageId} has ${this.sizeBytes} bytes`,
    );
  }
}

/** An image file that is being written. */
export class PartialImageFile extends ImageFile implements PartialImage {
  readonly #quota: Quota | undefined;
  readonly #sidecar: Sidecar;

  constructor(parts: ImageParts & { readonly sidecar: Sidecar }, quota: Quota | undefined) {
    super(parts);
    this.#quota = quota;
    this.#sidecar = parts.sidecar;
  }

  async write(offset: number, source: Uint8Array): Promise<void> {
    this.requireInside('write', offset, source.length);
    await this.run('write', async () => {
      const release = this.#quota?.reserve(offset, source.length);
      try {
        for (let done = 0; done < source.length; ) {
          const left = source.length - done;
          done += (await this.handle.write(source, done, left, offset + done)).bytesWritten;
        }
        if (this.#quota !== undefined) {
          this.#quota.record(this.imageId, (await this.handle.stat()).blocks * 512);
        }
      } finally {
        release?.();
      }
    });
  }

  async clear(offset: number, length: number): Promise<void> {
    this.requireInside('clear', offset, length);
    if (length === 0) return;
    // Beyond the end of the image, so that the last block goes too.
    const end = offset + length === this.sizeBytes ? offset + length + BLOCK_BYTES : offset + length;
    const isHole = await this.run('clear', async () => {
      const isPunched = await punchHole(this.handle, offset, end - offset);
      this.#quota?.record(this.imageId, (await this.handle.stat()).blocks * 512);
      return isPunched;
    });
    if (!isHole) await this.#writeZeros(offset, length);
  }

  async #writeZeros(offset: number, length: number): Promise<void> {
    const zeros = Buffer.alloc(Math.min(length, ZEROS_BYTES));
    for (const extent of await this.extents(offset, length)) {
      for (let done = 0; done < extent.length; done += zeros.length) {
        await this.write(extent.offset + done, zeros.subarray(0, extent.length - done));
      }
    }
  }

  async flush(): Promise<void> {
    await this.run('flush', () => this.handle.datasync());
  }

  async setMetadata(key: string, value: string): Promise<void> {
    await this.run('write the metadata of', () => this.#sidecar.set(key, value));
  }
}

function shortened(imageId: string, offset: number): Refusal {
  return new Refusal('CORRUPT', `the file of image ${imageId} ends at ${offset}, before the image does`, {
    hint: 'someone else wrote to it: delete this copy and copy the image again',
  });
}
