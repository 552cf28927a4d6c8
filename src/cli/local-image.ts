import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Extent } from '../store/store.ts';
import { chunkFrames } from '../transfer/chunk-frames.ts';
import type { Frame } from '../transfer/frames.ts';
import type { DigestOptions } from './file-digest.ts';
import { fileRefusal, withFile } from './file-errors.ts';
import type { FileFormat } from './file-format.ts';

/** A local file, as it is sent: its data only, holes and zeros left out. */
export class LocalImage implements AsyncDisposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #opened: BigIntStats;
  #format: Promise<FileFormat> | undefined;

  private constructor(path: string, handle: FileHandle, opened: BigIntStats) {
    this.path = path;
    this.sizeBytes = Number(opened.size);
    this.#handle = handle;
    this.#opened = opened;
  }

  /** NOT_FOUND, FORBIDDEN or INVALID when the file is not there, not readable, or no file. */
  static async open(path: string): Promise<LocalImage> {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
    const handle = await withFile(`read ${path}`, () =>
      open(path, constants.O_RDONLY | constants.O_NONBLOCK),
    );
    try {
      const stats = await handle.stat({ bigint: true });
      requireImageFile(path, stats);
      return new LocalImage(path, handle, stats);
    } catch (error) {
      await handle.close();
      throw fileRefusal(error, `read ${path}`);
    }
  }

  /** What it is; found out once. INVALID when no site would let it in. */
  format(): Promise<FileFormat> {
    this.#format ??= this.#findFormat();
    return this.#format;
  }

  /** Where the file may hold data, in whole chunks. */
  async dataChunks(): Promise<number[]> {
    const { dataExtents } = await import('../store/file/sparse.ts');
    const extents = await withFile(`find the holes of ${this.path}`, () =>
      dataExtents(this.#handle, 0, this.sizeBytes),
    );
    return chunksOf(extents);
  }

  /**
   * The frames of these chunks in order, then the empty one at the end of the image. A chunk of
   * zeros gives none. `onRead` hears of every chunk that was read, zeros or not. CONFLICT when
   * the file is no longer what it was when it was opened.
   */
  async *frames(chunks: readonly number[], onRead: (lengthBytes: number) => void): AsyncGenerator<Frame> {
    // Two, so that the next chunk is read while this one is sent.
    const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const;
    const read = (turn: number): Promise<Buffer> | undefined => {
      const index = chunks[turn];
      if (index === undefined) return undefined;
      const reading = this.#readChunk(index, turn % 2 === 0 ? buffers[0] : buffers[1]);
      // Whoever stops before the end of the frames does not wait for this one.
      reading.catch(() => {});
      return reading;
    };
    let next = read(0);
    for (const [turn, index] of chunks.entries()) {
      const chunk = await next;
      if (chunk === undefined) break;
      next = read(turn + 1);
      yield* chunkFrames(index * CHUNK_BYTES, chunk);
      onRead(chunk.length);
    }
    await this.#requireUnchanged();
    yield { offset: this.sizeBytes, data: new Uint8Array(), last: true };
  }

  /**
   * SHA-512 of its first `sizeBytes`, hexadecimal, off the event loop. CONFLICT when the file is no longer what it was
   * when it was opened.
   */
  async sha512(sizeBytes: number, options: DigestOptions): Promise<string> {
    const { sha512OfFile } = await import('./file-digest.ts');
    try {
      const digest = await sha512OfFile(this.#handle, sizeBytes, options);
      await this.#requireUnchanged();
      return digest;
    } catch (error) {
      // That it became shorter is told better there.
      if (Refusal.from(error).code === 'CORRUPT') await this.#requireUnchanged();
      throw fileRefusal(error, `read ${this.path}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #findFormat(): Promise<FileFormat> {
    const { formatOfFile } = await import('./file-format.ts');
    const { path, sizeBytes } = this;
    return await formatOfFile({ path, sizeBytes, read: (offset, target) => this.#read(offset, target) });
  }

  async #readChunk(index: number, buffer: Buffer): Promise<Buffer> {
    const target = buffer.subarray(0, chunkLength(index, this.sizeBytes));
    await this.#read(index * CHUNK_BYTES, target);
    return target;
  }

  async #read(offset: number, target: Buffer): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await withFile(`read ${this.path}`, () =>
        this.#handle.read(target, done, target.length - done, offset + done),
      );
      if (bytesRead === 0) {
        await this.#requireUnchanged();
        throw this.#changed(`cannot be read at byte ${offset + done}`);
      }
      done += bytesRead;
    }
  }

  async #requireUnchanged(): Promise<void> {
    const { size, mtimeNs } = await withFile(`read ${this.path}`, () => this.#handle.stat({ bigint: true }));
    if (size > this.#opened.size) throw this.#changed(`grew to ${size} bytes`);
    if (size < this.#opened.size) throw this.#changed(`ends at byte ${size} now`);
    if (mtimeNs !== this.#opened.mtimeNs) throw this.#changed('was written to');
  }

  #changed(how: string): Refusal {
    return new Refusal(
      'CONFLICT',
      `${this.path} changed while it was read: it had ${this.sizeBytes} bytes and ${how}`,
      {
        hint: 'stop whatever writes to the file (a running guest?), or upload a copy of it',
      },
    );
  }
}

/** Indexes of the chunks the extents touch, each once, in rising order. */
export function chunksOf(extents: readonly Extent[]): number[] {
  const chunks: number[] = [];
  for (const { offset, length } of extents) {
    const first = Math.max(Math.floor(offset / CHUNK_BYTES), (chunks.at(-1) ?? -1) + 1);
    const end = Math.ceil((offset + length) / CHUNK_BYTES);
    for (let index = first; index < end; index++) chunks.push(index);
  }
  return chunks;
}

function requireImageFile(path: string, stats: BigIntStats): void {
  if (stats.isDirectory()) throw new Refusal('INVALID', `${path} is a folder, not a raw image`);
  if (!stats.isFile()) {
    throw new Refusal('INVALID', `${path} is not a regular file`, {
      hint: 'copy a device or a pipe into a file first: its size must be known and its bytes must not change',
    });
  }
  if (stats.size === 0n) throw new Refusal('INVALID', `${path} is empty`);
}
