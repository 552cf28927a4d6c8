import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { Refusal } from '../../domain/refusal.ts';
import type { Growth } from './growth.ts';

/** What one call to the library makes at most. */
const OUTPUT_BYTES = 256 * 1024;

/**
 * What a zstd file may look back at: 128 MiB, as with `zstd` itself unless `--long` is told it. That, and output before
 * and behind it, is what is held while a file is unpacked: 130 MiB.
 */
const ZSTD_WINDOW_LOG = 27;

type Engine = Gunzip | ZstdDecompress;

const ENGINES: Readonly<Record<'gzip' | 'zstd', () => Engine>> = {
  gzip: () => createGunzip({ chunkSize: OUTPUT_BYTES }),
  zstd: () =>
    createZstdDecompress({
      chunkSize: OUTPUT_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }),
};

export interface Members {
  readonly compression: 'gzip' | 'zstd';
  readonly source: AsyncIterator<Uint8Array>;
  readonly growth: Growth;
  /** Takes the bytes in order; the next are made when it settles. */
  readonly write: (bytes: Buffer) => Promise<void>;
}

/**
 * Unpacks a file on libuv's threads: a gzip file is one or more members, a zstd file one or more frames, one
 * behind the other. INVALID when it ends too soon, when anything else follows, or a checksum does not match.
 */
export async function unpackMembers(members: Members): Promise<void> {
  let first = await nextOf(members.source);
  if (first === undefined) throw unsound(members, 'it is empty');
  while (first !== undefined) first = await new Member(members).unpack(first);
}

async function nextOf(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const next = await source.next();
    if (next.done === true) return undefined;
    if (next.value.length > 0) return next.value;
  }
}

/** One engine's work: gunzip goes on with the next member by itself, zstd only where it begins with a chunk. */
class Member {
  readonly #members: Members;
  readonly #engine: Engine;
  readonly #readBefore: number;
  /** What went wrong first: all that follows comes of it. */
  #failure: { readonly cause: unknown } | undefined;
  #rest: Uint8Array | undefined;

  constructor(members: Members) {
    this.#members = members;
    this.#readBefore = members.growth.readBytes;
    this.#engine = ENGINES[members.compression]();
    this.#engine.on('error', (error: Error) => this.#fail(this.#refusalOf(error)));
  }

  /** From `first` on; what is left for the next one, undefined at the end of the source. */
  async unpack(first: Uint8Array): Promise<Uint8Array | undefined> {
    await Promise.all([
      this.#feed(first).catch((error: unknown) => this.#fail(error)),
      this.#drain().catch((error: unknown) => this.#fail(error)),
    ]);
    if (this.#failure !== undefined) throw this.#failure.cause;
    this.#engine.destroy();
    return this.#rest;
  }

  #fail(cause: unknown): void {
    this.#failure ??= { cause };
    this.#engine.destroy();
  }

  async #feed(first: Uint8Array): Promise<void> {
    for (let chunk: Uint8Array | undefined = first; chunk !== undefined; ) {
      const before = this.#engine.bytesWritten;
      await this.#accepted(chunk);
      if (this.#engine.destroyed) return;
      const taken = this.#engine.bytesWritten - before;
      if (taken < chunk.length) {
        this.#rest = chunk.subarray(taken);
        return;
      }
      chunk = await nextOf(this.#members.source);
    }
    this.#engine.end();
  }

  /** Settles when the engine is done with the chunk, or destroyed. */
  async #accepted(chunk: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = () => resolve();
    this.#engine.once('close', settle);
    this.#engine.write(chunk, settle);
    await promise;
    this.#engine.off('close', settle);
  }

  async #drain(): Promise<void> {
    const { growth, write } = this.#members;
    for await (const bytes of this.#engine as AsyncIterable<Buffer>) {
      growth.readBytes = this.#readBefore + this.#engine.bytesWritten;
      try {
        growth.add(bytes.length);
        await write(bytes);
      } catch (error) {
        // Before the loop is left, which has the engine say that it was aborted.
        this.#fail(error);
      }
    }
    growth.readBytes = this.#readBefore + this.#engine.bytesWritten;
  }

  #refusalOf(error: Error): Refusal {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') return unsound(this.#members, 'it ends too soon', error);
    if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
      const mib = 2 ** ZSTD_WINDOW_LOG / 1024 ** 2;
      return new Refusal('INVALID', `unpacking it takes more than ${mib} MiB of memory`, {
        hint: 'pack it without `--long`',
        cause: error,
      });
    }
    const isFirst = this.#members.growth.writtenBytes === 0;
    return unsound(
      this.#members,
      isFirst ? error.message : `${error.message}, or more follows its end`,
      error,
    );
  }
}

function unsound({ compression }: Members, why: string, cause?: Error): Refusal {
  return new Refusal('INVALID', `it is not a sound ${compression} file: ${why}`, {
    hint: `check it with \`${compression} --test\`, and copy it again`,
    cause,
  });
}
