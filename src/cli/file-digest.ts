import type { FileHandle } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import { Hash } from '../image/openssl.ts';
import { dataExtents } from '../store/file/sparse.ts';
import type { Extent } from '../store/store.ts';
import { throwIfAborted } from '../transfer/in-flight.ts';

/** Read and hashed at a time. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Holes are asked for in so much of the file at a time: it may have any number of them. */
const WINDOW_BYTES = 1024 * 1024 * 1024;

export interface DigestOptions {
  readonly signal: AbortSignal;
  /** Bytes that have been taken in, holes included. */
  readonly onProgress: (doneBytes: number) => void;
}

/**
 * SHA-512 of a file's first `sizeBytes`, hexadecimal, off the event loop. A hole is hashed and not read. Holds 12 MiB.
 * Rejects as node:fs does; CORRUPT when the file is shorter.
 */
export async function sha512OfFile(
  handle: FileHandle,
  sizeBytes: number,
  { signal, onProgress }: DigestOptions,
): Promise<string> {
  using hash = Hash.of('sha512');
  const zeros = Buffer.alloc(PIECE_BYTES);
  // Two, so that the next piece is read while this one is hashed.
  const buffers = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)] as const;
  let hashing = Promise.resolve();
  try {
    let turn = 0;
    for await (const { offset, length, isHole } of piecesOf(handle, sizeBytes)) {
      throwIfAborted(signal);
      const target = (turn++ % 2 === 0 ? buffers[0] : buffers[1]).subarray(0, length);
      if (!isHole) await readAll(handle, target, offset);
      await hashing;
      onProgress(offset);
      hashing = hash.update(isHole ? zeros.subarray(0, length) : target);
    }
    await hashing;
    onProgress(sizeBytes);
    return hash.end().toString('hex');
  } finally {
    // The digest may be let go of when nothing works on it.
    await hashing.catch(() => {});
  }
}

interface Piece extends Extent {
  readonly isHole: boolean;
}

async function* piecesOf(handle: FileHandle, sizeBytes: number): AsyncGenerator<Piece> {
  for (let start = 0; start < sizeBytes; start += WINDOW_BYTES) {
    const end = Math.min(start + WINDOW_BYTES, sizeBytes);
    let at = start;
    for (const { offset, length } of await dataExtents(handle, start, end - start)) {
      yield* cut(at, offset, true);
      yield* cut(offset, offset + length, false);
      at = offset + length;
    }
    yield* cut(at, end, true);
  }
}

function* cut(start: number, end: number, isHole: boolean): Generator<Piece> {
  for (let offset = start; offset < end; offset += PIECE_BYTES) {
    yield { offset, length: Math.min(PIECE_BYTES, end - offset), isHole };
  }
}

async function readAll(handle: FileHandle, target: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, offset + done);
    if (bytesRead === 0) throw new Refusal('CORRUPT', `the file ends at byte ${offset + done}`);
    done += bytesRead;
  }
}
