import { CHUNK_BYTES } from '../domain/chunk.ts';
import type { Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { PartialImage } from '../store/store.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import type { ContentDigest } from './content-digest.ts';
import { releaseFrame } from './frame-codec.ts';
import type { Frame } from './frames.ts';
import { allDone, type InFlight, throwIfAborted, untilAborted, withInFlight } from './in-flight.ts';
import type { IngestCheckpoints } from './ingest-checkpoints.ts';
import type { SlabPool } from './slab.ts';
import type { SurveyCheck } from './survey.ts';
import { nonzeroExtents } from './zeros.ts';

/** Chunks being hashed and written at once; one more whose writer saves a checkpoint meanwhile. */
export const WIDTH = 4;

export interface ChunkIntakeOptions {
  readonly image: PartialImage;
  readonly sizeBytes: number;
  /** All of the image below is there: `content` and `intake` have it, and the frames begin here. */
  readonly startByte: number;
  readonly content: ContentDigest;
  /** Hears of the bytes in their order, what is left out as zeros. */
  readonly intake: SurveyCheck;
  readonly slabs: SlabPool;
  /** Undefined: none are kept. */
  readonly checkpoints: IngestCheckpoints | undefined;
  /** `receivedBytes`, `wireBytes` and `holeBytes` are counted up. */
  readonly traffic: { -readonly [Key in keyof Traffic]: number };
  /** So many bytes of data more are written; 0 when it is something else that is counted. */
  readonly onAdvance: (bytes: number) => void;
}

/** The way of an image's chunks from frames into the store: put together, hashed, looked at, written. */
export class ChunkIntake {
  readonly #options: ChunkIntakeOptions;
  /** All of the image below is complete, data and holes. */
  #position: number;
  #storeFailure: { readonly error: unknown } | undefined;

  constructor(options: ChunkIntakeOptions) {
    this.#options = options;
    this.#position = options.startByte;
  }

  /**
   * Takes frames to the last one, which says that it is. Rejects as `withInFlight`: INVALID, or what the frames, the
   * check and the store refuse. Then what has arrived is written and, as far as it has no gap and the store is well,
   * below the checkpoint.
   */
  async takeIn(frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<void> {
    const { checkpoints } = this.#options;
    const width = checkpoints === undefined ? WIDTH : WIDTH + 1;
    try {
      await withInFlight(width, signal, (inFlight, either) => this.#takeFrames(frames, inFlight, either));
    } catch (error) {
      // The failure that matters is the first one.
      if (this.#storeFailure === undefined) await checkpoints?.saveRest().catch(() => {});
      throw error;
    }
  }

  async #takeFrames(frames: AsyncIterable<Frame>, inFlight: InFlight, signal: AbortSignal): Promise<void> {
    const { sizeBytes, slabs, traffic, onAdvance } = this.#options;
    let buffer: ChunkBuffer | undefined;
    let arrivedBytes = this.#position;
    let ended = false;
    try {
      for await (const frame of untilAborted(frames, signal)) {
        if (ended) throw new Refusal('INVALID', 'a frame came after the one that ended the image');
        if (!(frame.offset + frame.data.length <= sizeBytes)) {
          throw new Refusal(
            'INVALID',
            `the upload is longer than the ${sizeBytes} bytes it was said to have`,
          );
        }
        arrivedBytes = frame.offset + frame.data.length;
        traffic.receivedBytes += frame.data.length;
        traffic.wireBytes += frame.data.length;
        onAdvance(0);
        if (buffer === undefined && isEnd(frame, sizeBytes)) {
          ended = true;
          await this.#skipTo(sizeBytes, signal);
          continue;
        }
        buffer ??= await this.#begin(frame, signal);
        const isComplete = buffer.add(frame);
        releaseFrame(frame);
        if (!isComplete) continue;
        const complete = buffer;
        this.#position = complete.offset + complete.bytes.length;
        await inFlight.start(() => this.#keep(complete));
        buffer = undefined;
      }
    } finally {
      if (buffer !== undefined) slabs.giveBack(buffer.slab);
    }
    throwIfAborted(signal);
    if (!ended) throw new Refusal('INVALID', `the upload ended after ${arrivedBytes} of ${sizeBytes} bytes`);
  }

  /** A chunk's first frame: what lies between it and the chunk before is a hole. */
  async #begin({ offset }: Frame, signal: AbortSignal): Promise<ChunkBuffer> {
    const { sizeBytes, slabs, checkpoints } = this.#options;
    const chunk = Math.floor(offset / CHUNK_BYTES);
    if (chunk * CHUNK_BYTES < this.#position || offset >= sizeBytes) {
      throw new Refusal('INVALID', `a frame at ${offset} came after ${this.#position} bytes were complete`);
    }
    await this.#skipTo(chunk * CHUNK_BYTES, signal);
    await checkpoints?.begin(chunk, signal);
    return new ChunkBuffer(chunk, sizeBytes, await slabs.take(signal));
  }

  async #skipTo(offset: number, signal: AbortSignal): Promise<void> {
    const { content, intake, traffic, onAdvance } = this.#options;
    const lengthBytes = offset - this.#position;
    if (lengthBytes === 0) return;
    await allDone([content.skip(lengthBytes, signal), intake.skip(lengthBytes, signal)]);
    this.#position = offset;
    traffic.holeBytes += lengthBytes;
    onAdvance(0);
  }

  async #keep(buffer: ChunkBuffer): Promise<void> {
    const { slabs, checkpoints } = this.#options;
    try {
      await this.#take(buffer);
    } finally {
      slabs.giveBack(buffer.slab);
    }
    await checkpoints?.done(buffer.chunk);
  }

  /** Called in the order of chunks: the stream's digests see them in that order, whatever takes how long. */
  async #take(buffer: ChunkBuffer): Promise<void> {
    const { content, intake, checkpoints, traffic, onAdvance } = this.#options;
    const { chunk, bytes } = buffer;
    const { isHole, streamed, digested } = content.add(chunk, bytes);
    checkpoints?.hashed(chunk, content.sha512SoFar());
    const checked = intake.update(bytes);
    // Whoever waits for it hears of it; another may fail first.
    checked.catch(() => {});
    try {
      if (isHole) {
        traffic.holeBytes += bytes.length;
        onAdvance(0);
        await checked;
        return;
      }
      await allDone([digested, this.#write(buffer), streamed, checked]);
      onAdvance(bytes.length);
    } finally {
      await Promise.allSettled([streamed, checked]);
    }
  }

  /** Also after an abort, or a failure of whoever sends: what has arrived may be gone on with. */
  async #write({ offset, bytes }: ChunkBuffer): Promise<void> {
    for (const extent of nonzeroExtents(bytes)) {
      if (this.#storeFailure !== undefined) throw this.#storeFailure.error;
      const source = bytes.subarray(extent.offset, extent.offset + extent.length);
      try {
        await this.#options.image.write(offset + extent.offset, source);
      } catch (error) {
        this.#storeFailure ??= { error };
        throw error;
      }
    }
  }
}

function isEnd({ offset, data, last }: Frame, sizeBytes: number): boolean {
  return offset === sizeBytes && data.length === 0 && last;
}
