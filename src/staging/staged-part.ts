import type { FileHandle } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import { attempt } from '../store/file/errno.ts';
import type { Room } from './room.ts';

/** Zeros are looked for, and left out, in aligned blocks of this size: file systems allocate no less at a time. */
const BLOCK_BYTES = 64 * 1024;

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** What st_blocks counts in, whatever the file system's blocks are. */
export const STAT_BLOCK_BYTES = 512;

export interface StagedPartParts {
  readonly path: string;
  readonly handle: FileHandle;
  /** What is there of it, from before. */
  readonly sizeBytes: number;
  readonly room: Room;
}

/** A sparse file that is being brought, open for writing. */
export class StagedPart implements AsyncDisposable {
  /** For who reads it; whole up to `sizeBytes` after a flush. */
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #room: Room;
  readonly #running = new Set<Promise<unknown>>();
  #sizeBytes: number;
  /** Behind this the file has never been written to, not even by a write that failed. */
  #touchedBytes: number;
  #flushFailure: { readonly error: unknown } | undefined;
  #closed: Promise<void> | undefined;

  constructor({ path, handle, sizeBytes, room }: StagedPartParts) {
    this.path = path;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
    this.#touchedBytes = sizeBytes;
    this.#room = room;
  }

  /** Up to the last byte written, zeros that were left out included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Writes at `offset`; blocks of zeros behind the end so far become holes. `bytes` must not change until it
   * settles. Durable after the next flush. NO_SPACE when the quota or the disk is full; then nothing from
   * `offset` on counts, unless it did before.
   */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new Refusal('INVALID', `cannot write a staged file at ${offset}`);
    }
    await this.#run('write', async () => {
      const [endBefore, touchedBefore] = [this.#sizeBytes, this.#touchedBytes];
      this.#sizeBytes = Math.max(endBefore, offset + bytes.length);
      this.#touchedBytes = Math.max(touchedBefore, offset + bytes.length);
      try {
        for (const { start, stop } of dataIn(offset, bytes, touchedBefore)) {
          await this.#writeAll(offset + start, bytes.subarray(start, stop));
        }
      } catch (error) {
        // What is missing must not count as there: who goes on would go on behind it.
        this.#sizeBytes = Math.min(this.#sizeBytes, Math.max(endBefore, offset));
        throw error;
      }
    });
  }

  /**
   * All writes that have settled are on disk, and the file has its size. No write may be under way. Once it has failed
   * it fails for good.
   */
  async flush(): Promise<void> {
    await this.#run('flush', async () => {
      // The next one may succeed without the bytes of the one that failed.
      if (this.#flushFailure !== undefined) throw this.#flushFailure.error;
      try {
        const { size } = await this.#handle.stat();
        if (size !== this.#sizeBytes) await this.#handle.truncate(this.#sizeBytes);
        await this.#handle.sync();
      } catch (error) {
        this.#flushFailure = { error };
        throw error;
      }
    });
  }

  /** Back to nothing, for a source that has become another one. No write may be under way. */
  async restart(): Promise<void> {
    await this.#run('empty', async () => {
      await this.#handle.truncate(0);
      this.#sizeBytes = 0;
      this.#touchedBytes = 0;
      this.#room.settle(this.path, 0);
    });
  }

  /** Closes it, and keeps the file. What it had claimed and not needed is free again. May be called twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await attempt('close a staged file', async () => {
      try {
        this.#room.settle(this.path, (await this.#handle.stat()).blocks * STAT_BLOCK_BYTES);
      } finally {
        await this.#handle.close();
      }
    });
  }

  async #writeAll(offset: number, bytes: Uint8Array): Promise<void> {
    const release = this.#room.reserve(this.path, bytes.length);
    let allocatedBytes: number | undefined;
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
      allocatedBytes = (await this.#handle.stat()).blocks * STAT_BLOCK_BYTES;
    } finally {
      release(allocatedBytes);
    }
  }

  async #run<T>(verb: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined)
      throw new Refusal('CONFLICT', `cannot ${verb} a staged file: it is closed`);
    const running = attempt(`${verb} a staged file`, work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

interface Run {
  readonly start: number;
  stop: number;
}

/** The runs of `bytes` that must be written: all but the zero blocks of the file from `untouched` on. */
function dataIn(offset: number, bytes: Uint8Array, untouched: number): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < bytes.length; ) {
    const stop = Math.min(bytes.length, start + BLOCK_BYTES - ((offset + start) % BLOCK_BYTES));
    const isZero = ZEROS.compare(bytes, start, stop, 0, stop - start) === 0;
    const last = runs.at(-1);
    if (isZero && offset + start >= untouched) {
      // A hole.
    } else if (last?.stop === start) {
      last.stop = stop;
    } else {
      runs.push({ start, stop });
    }
    start = stop;
  }
  return runs;
}
