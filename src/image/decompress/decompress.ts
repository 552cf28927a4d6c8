import { createReadStream } from 'node:fs';
import type { Confinement } from '../../confine/confinement.ts';
import type { Compression } from '../inspect/verdict.ts';
import { Growth, type GrowthLimits } from './growth.ts';
import { unpackXz } from './xz.ts';
import { unpackMembers } from './zlib-members.ts';

export interface Decompression {
  /** The path of a file, or its bytes in order, cut anywhere. */
  readonly source: string | AsyncIterable<Uint8Array>;
  readonly compression: Compression;
  /** Takes the unpacked bytes in order, which are its to keep; no more are unpacked until it settles. */
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly limits: GrowthLimits;
  /** For xz. */
  readonly confinement: Confinement;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Unpacked) => void) | undefined;
}

/** How much of the packed file was read, and how much came of it, in bytes. */
export interface Unpacked {
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/**
 * Unpacks a file whole, off the event loop, within bounded memory however much is in it or how slowly it is
 * written. What was written counts only when it settles well: checksums come last.
 *
 * Rejects with INVALID for a file that is not sound, ends too soon, has anything else behind its end, needs too
 * much memory, or grows beyond `limits`; with what `signal` was aborted for; with what `source` or `write` threw.
 */
export async function decompress(decompression: Decompression): Promise<Unpacked> {
  const { compression, limits, confinement, signal, onProgress } = decompression;
  const growth = new Growth(limits);
  const progress = (): Unpacked => ({ readBytes: growth.readBytes, writtenBytes: growth.writtenBytes });
  const write = async (bytes: Buffer) => {
    signal?.throwIfAborted();
    await decompression.write(bytes);
    onProgress?.(progress());
  };
  const source = bytesOf(decompression.source, signal);
  try {
    if (compression === 'xz') await unpackXz({ source, growth, write, confinement, signal });
    else await unpackMembers({ compression, source, growth, write });
  } finally {
    // A file is closed also where it was not read to its end; a source that stalls is not waited for.
    source.return().catch(() => undefined);
  }
  return progress();
}

async function* bytesOf(
  source: string | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: AsyncIterable<Uint8Array> = typeof source === 'string' ? createReadStream(source) : source;
  for await (const bytes of chunks) {
    signal?.throwIfAborted();
    yield bytes;
  }
}
