import { createHash } from 'node:crypto';
import { CHUNK_BYTES, chunkCount, chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import type { ChunkRun } from './frames.ts';

export const DIGEST_BYTES = 32;

/**
 * What an image consists of: its size, and the SHA-256 of every chunk that is not a hole.
 *
 * Encoded, all numbers big-endian:
 *
 *     8  'entrepot'          8  size in bytes          8 x runs         first chunk, chunk count
 *     4  version, 1          4  runs                   32 x data chunks SHA-256, in order of chunks
 *     4  bytes in a chunk    4  data chunks
 *
 * Holes take no room. There is one encoding of one content: runs rise, are as long as can be,
 * and a chunk of zeros is never data. So the encoding's own SHA-256, the root, names the content.
 *
 * In memory: 32 bytes per data chunk and 12 per run.
 */
export class Manifest {
  readonly sizeBytes: number;
  readonly dataChunkCount: number;
  /** Bytes in chunks that are not holes. */
  readonly dataBytes: number;
  readonly #runs: Runs;
  readonly #digests: Buffer;
  #root: string | undefined;

  /** Use `ManifestBuilder` or `Manifest.decode`: they check what this takes for granted. */
  constructor(sizeBytes: number, runs: Runs, digests: Buffer) {
    this.sizeBytes = sizeBytes;
    this.#runs = runs;
    this.#digests = digests;
    this.dataChunkCount = digests.length / DIGEST_BYTES;
    this.dataBytes = this.dataBytesBefore(chunkCount(sizeBytes));
  }

  /** SHA-256 of the encoding, in hexadecimal. */
  get root(): string {
    this.#root ??= createHash('sha256').update(this.#head()).update(this.#digests).digest('hex');
    return this.#root;
  }

  encode(): Buffer {
    return Buffer.concat([this.#head(), this.#digests]);
  }

  /** SHA-256 of a data chunk; undefined for a hole. */
  digestOf(chunk: number): Uint8Array | undefined {
    const { run, before } = this.#find(chunk);
    if (run === undefined || chunk < run.firstChunk) return undefined;
    const at = (before + chunk - run.firstChunk) * DIGEST_BYTES;
    return this.#digests.subarray(at, at + DIGEST_BYTES);
  }

  /** Runs of data chunks from `fromChunk` on, in rising order, at most `limit` of them. */
  dataRuns(fromChunk = 0, limit = Number.POSITIVE_INFINITY): ChunkRun[] {
    const found: ChunkRun[] = [];
    for (let index = this.#find(fromChunk).index; index < this.#runs.count && found.length < limit; index++) {
      const run = runAt(this.#runs, index);
      const firstChunk = Math.max(run.firstChunk, fromChunk);
      found.push({ firstChunk, chunkCount: run.firstChunk + run.chunkCount - firstChunk });
    }
    return found;
  }

  /** Bytes in the data chunks below `chunk`. */
  dataBytesBefore(chunk: number): number {
    const { run, before } = this.#find(chunk);
    const chunks = before + (run === undefined ? 0 : Math.max(0, chunk - run.firstChunk));
    // Only the image's last chunk is ever shorter.
    const lastChunk = chunkCount(this.sizeBytes) - 1;
    const lastCounts = chunk > lastChunk && this.digestOf(lastChunk) !== undefined;
    return chunks * CHUNK_BYTES - (lastCounts ? CHUNK_BYTES - chunkLength(lastChunk, this.sizeBytes) : 0);
  }

  /** The first run that ends after `chunk`, and the number of data chunks in the runs before it. */
  #find(chunk: number): { index: number; run: ChunkRun | undefined; before: number } {
    let low = 0;
    let high = this.#runs.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { firstChunk, chunkCount: count } = runAt(this.#runs, middle);
      if (firstChunk + count > chunk) high = middle;
      else low = middle + 1;
    }
    const run = low < this.#runs.count ? runAt(this.#runs, low) : undefined;
    return { index: low, run, before: this.#runs.before[low] ?? this.dataChunkCount };
  }

  #head(): Buffer {
    const head = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(head);
    head.writeUInt32BE(VERSION, 8);
    head.writeUInt32BE(CHUNK_BYTES, 12);
    head.writeBigUInt64BE(BigInt(this.sizeBytes), 16);
    head.writeUInt32BE(this.#runs.count, 24);
    head.writeUInt32BE(this.dataChunkCount, 28);
    return Buffer.concat([head, this.#runs.encoded]);
  }

  /**
   * INVALID for anything `encode` did not make, whoever sent it; UNSUPPORTED for another
   * version; CORRUPT when its root is not `expectedRoot`. Keeps a copy, not `bytes`.
   */
  static decode(bytes: Uint8Array, expectedRoot?: string): Manifest {
    const encoded = Buffer.from(bytes);
    const { sizeBytes, runCount, dataChunks } = decodeHeader(encoded);
    const digestsAt = HEADER_BYTES + runCount * RUN_BYTES;
    if (encoded.length !== digestsAt + dataChunks * DIGEST_BYTES) {
      throw invalid(`has ${encoded.length} bytes, which is not what its header says`);
    }
    const runs = decodeRuns(encoded.subarray(HEADER_BYTES, digestsAt), sizeBytes);
    if (runs.dataChunks !== dataChunks)
      throw invalid(`has ${dataChunks} digests for ${runs.dataChunks} chunks`);
    const manifest = new Manifest(sizeBytes, runs, encoded.subarray(digestsAt));
    refuseZeroChunks(manifest);
    if (expectedRoot !== undefined && manifest.root !== expectedRoot) {
      throw new Refusal('CORRUPT', `manifest has root ${manifest.root}, expected was ${expectedRoot}`);
    }
    return manifest;
  }
}

/** Takes the digests of an image's data chunks in rising order; what is left out is a hole. */
export class ManifestBuilder {
  readonly sizeBytes: number;
  readonly #runs: { firstChunk: number; chunkCount: number }[] = [];
  #digests = Buffer.alloc(64 * DIGEST_BYTES);
  #length = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  /** INTERNAL when `chunk` does not come after the one before, lies outside, or is zeros. */
  add(chunk: number, digest: Uint8Array): void {
    const run = this.#runs.at(-1);
    const next = run === undefined ? 0 : run.firstChunk + run.chunkCount;
    const fits = Number.isSafeInteger(chunk) && chunk >= next && chunk < chunkCount(this.sizeBytes);
    if (
      !fits ||
      digest.length !== DIGEST_BYTES ||
      isDigestOfZeros(digest, chunkLength(chunk, this.sizeBytes))
    ) {
      throw new Refusal(
        'INTERNAL',
        `chunk ${chunk} does not belong into the manifest after chunk ${next - 1}`,
      );
    }
    if (run !== undefined && chunk === next) run.chunkCount++;
    else this.#runs.push({ firstChunk: chunk, chunkCount: 1 });
    if (this.#length === this.#digests.length) {
      this.#digests = Buffer.concat([this.#digests, Buffer.alloc(this.#digests.length)]);
    }
    this.#digests.set(digest, this.#length);
    this.#length += DIGEST_BYTES;
  }

  build(): Manifest {
    const encoded = Buffer.alloc(this.#runs.length * RUN_BYTES);
    for (const [index, { firstChunk, chunkCount: count }] of this.#runs.entries()) {
      encoded.writeUInt32BE(firstChunk, index * RUN_BYTES);
      encoded.writeUInt32BE(count, index * RUN_BYTES + 4);
    }
    const runs = decodeRuns(encoded, this.sizeBytes);
    return new Manifest(this.sizeBytes, runs, Buffer.from(this.#digests.subarray(0, this.#length)));
  }
}

const MAGIC = Buffer.from('entrepot', 'latin1');
const VERSION = 1;
const HEADER_BYTES = 32;
const RUN_BYTES = 8;

/** No encoding of the manifest of an image of this size is longer. */
export function manifestLimitBytes(sizeBytes: number): number {
  return HEADER_BYTES + chunkCount(sizeBytes) * (RUN_BYTES + DIGEST_BYTES);
}

/** Runs as they are encoded, and for each how many data chunks come before it. */
interface Runs {
  readonly encoded: Buffer;
  readonly count: number;
  readonly before: Uint32Array;
  readonly dataChunks: number;
}

function runAt(runs: Runs, index: number): ChunkRun {
  const at = index * RUN_BYTES;
  return { firstChunk: runs.encoded.readUInt32BE(at), chunkCount: runs.encoded.readUInt32BE(at + 4) };
}

function decodeHeader(encoded: Buffer): { sizeBytes: number; runCount: number; dataChunks: number } {
  if (encoded.length < HEADER_BYTES || MAGIC.compare(encoded, 0, MAGIC.length) !== 0) {
    throw invalid('does not begin like one');
  }
  const version = encoded.readUInt32BE(8);
  if (version !== VERSION) {
    throw new Refusal(
      'UNSUPPORTED',
      `manifest is of version ${version}, this entrepot knows version ${VERSION}`,
    );
  }
  const chunkBytes = encoded.readUInt32BE(12);
  if (chunkBytes !== CHUNK_BYTES)
    throw invalid(`has chunks of ${chunkBytes} bytes instead of ${CHUNK_BYTES}`);
  const sizeBytes = encoded.readBigUInt64BE(16);
  if (sizeBytes > Number.MAX_SAFE_INTEGER) throw invalid(`is of an image of ${sizeBytes} bytes`);
  return {
    sizeBytes: Number(sizeBytes),
    runCount: encoded.readUInt32BE(24),
    dataChunks: encoded.readUInt32BE(28),
  };
}

function decodeRuns(encoded: Buffer, sizeBytes: number): Runs {
  const count = encoded.length / RUN_BYTES;
  const before = new Uint32Array(count);
  let dataChunks = 0;
  let end = -1;
  for (let index = 0; index < count; index++) {
    const firstChunk = encoded.readUInt32BE(index * RUN_BYTES);
    const length = encoded.readUInt32BE(index * RUN_BYTES + 4);
    // A run that touches the one before would be a second encoding of the same content.
    if (length === 0 || firstChunk <= end) throw invalid(`has a run that does not come after the one before`);
    end = firstChunk + length;
    if (end > chunkCount(sizeBytes))
      throw invalid(`has chunk ${end - 1} of an image of ${chunkCount(sizeBytes)}`);
    before[index] = dataChunks;
    dataChunks += length;
  }
  return { encoded, count, before, dataChunks };
}

function refuseZeroChunks(manifest: Manifest): void {
  for (const { firstChunk, chunkCount: count } of manifest.dataRuns()) {
    for (let chunk = firstChunk; chunk < firstChunk + count; chunk++) {
      const digest = manifest.digestOf(chunk);
      if (digest !== undefined && isDigestOfZeros(digest, chunkLength(chunk, manifest.sizeBytes))) {
        throw invalid(`calls chunk ${chunk} data, which is zeros`);
      }
    }
  }
}

/** Digests of zeros by length: a full chunk's is asked for all the time, a shorter one's once per image. */
const zeroDigest: { full?: Buffer } = {};

function isDigestOfZeros(digest: Uint8Array, lengthBytes: number): boolean {
  if (lengthBytes < CHUNK_BYTES) return digestOfZeros(lengthBytes).equals(digest);
  zeroDigest.full ??= digestOfZeros(CHUNK_BYTES);
  return zeroDigest.full.equals(digest);
}

function digestOfZeros(lengthBytes: number): Buffer {
  return createHash('sha256').update(Buffer.alloc(lengthBytes)).digest();
}

function invalid(why: string): Refusal {
  return new Refusal('INVALID', `manifest ${why}`);
}
