import { CHUNK_BYTES, chunkCount } from '../domain/chunk.ts';
import type { Phase, Progress, Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DigestPool } from '../image/digests.ts';
import type { PartialImage, Store } from '../store/store.ts';
import { Checkpointer, chunksIn } from './checkpointer.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import { type ChunkRun, type FrameSource, RUNS_PER_REQUEST } from './frames.ts';
import { type InFlight, throwIfAborted, withInFlight } from './in-flight.ts';
import type { Manifest } from './manifest.ts';
import { METADATA } from './metadata.ts';
import { closing, openForCopy } from './open.ts';
import { chunksOf, dataChunks, dataRequests, runsOf } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { findDirtyHole, findWrongChunks } from './verify.ts';
import { nonzeroExtents } from './zeros.ts';

export const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/** Chunks being hashed and written at once. */
export const WIDTH = 4;

/**
 * What may have to be sent again after a SIGKILL, by default, in MiB:
 *
 *     28  chunks begun since the durable checkpoint: 16 until it is due, and while it is
 *         flushed and saved the other WIDTH - 1 places take one chunk of 4 each; then
 *         nothing is begun until it is durable (Checkpointer.begin)
 *      1  the frame that waits to begin the next chunk
 *      2  frames the RPC layer has read ahead for us
 *      1  the frame it is putting together
 *     16  flow-control window: sent, not read
 *     --
 *     48  of the 64 that are allowed; so a window of up to 32 keeps to it
 */
export const RESENT_AT_MOST_BYTES = CHECKPOINT_BYTES + (WIDTH - 1) * CHUNK_BYTES;

export interface ReceiveOptions {
  readonly store: Store;
  readonly imageId: string;
  readonly manifest: Manifest;
  readonly source: FrameSource;
  /** Kept beside the image, at most 64 KiB. */
  readonly recordJson: string;
  readonly digests: DigestPool;
  /** A pool of this transfer's own. At least one slab; more than `width` + 1 are not used. */
  readonly slabs: SlabPool;
  /** Called for each chunk and phase; whoever shows it throttles it. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Default CHECKPOINT_BYTES. */
  readonly checkpointBytes?: number;
  /** Default WIDTH. */
  readonly width?: number;
  /** Counted into as it goes: so the bytes of an attempt that fails are known too. */
  readonly traffic?: { -readonly [Key in keyof Traffic]: number };
}

export interface Received {
  /** Root of what was read back from the store. */
  readonly verifiedRoot: string;
  readonly traffic: Traffic;
}

/**
 * Makes a whole, verified image from a source (docs/replication.md has the algorithm). Goes on
 * from the checkpoint of an earlier attempt. Nothing to do, and no traffic, when the image is
 * whole with this root.
 *
 * Rejects with a Refusal, after everything it started has settled and the image is closed:
 * CONFLICT when another image is whole under this id; INVALID when the source sends what was
 * not asked for; CORRUPT when bytes are not what their digest says; CANCELLED, or the signal's
 * reason; the store's and the source's own refusals as they are. What is flushed stays, with its
 * checkpoint; whoever does not want to go on calls `store.discard`.
 */
export async function receiveCopy(options: ReceiveOptions): Promise<Received> {
  const { store, imageId, manifest, signal } = options;
  const reception = new Reception(options);
  try {
    throwIfAborted(signal);
    reception.enter('preparing', 0);
    const opened = await openForCopy(store, imageId, manifest);
    if (opened !== undefined) {
      await closing(opened.image, () => reception.fill(opened.image, opened.nextChunk));
      throwIfAborted(signal);
      await store.publish(imageId);
    }
  } catch (error) {
    throw Refusal.from(error);
  }
  return { verifiedRoot: manifest.root, traffic: reception.traffic };
}

class Reception {
  readonly traffic: { -readonly [Key in keyof Traffic]: number };
  readonly #options: ReceiveOptions;
  readonly #width: number;
  #phase: Phase = 'preparing';
  #doneBytes = 0;
  #storeFailure: { readonly error: unknown } | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#width = options.width ?? WIDTH;
    this.traffic = options.traffic ?? { receivedBytes: 0, holeBytes: 0, resumedBytes: 0, verifiedBytes: 0 };
  }

  enter(phase: Phase, doneBytes: number): void {
    this.#phase = phase;
    this.#doneBytes = doneBytes;
    this.#advance(0);
  }

  /** From an open partial image to one that is verified and may be published. */
  async fill(image: PartialImage, nextChunk: number): Promise<void> {
    const { manifest, imageId, recordJson } = this.#options;
    this.traffic.holeBytes = manifest.sizeBytes - manifest.dataBytes;
    this.traffic.resumedBytes = manifest.dataBytesBefore(nextChunk);
    await this.#transfer(image, nextChunk);
    await this.#verify(image);
    this.enter('publishing', manifest.dataBytes);
    await image.setMetadata(METADATA.uuid, imageId);
    await image.setMetadata(METADATA.root, manifest.root);
    await image.setMetadata(METADATA.record, recordJson);
  }

  async #transfer(image: PartialImage, nextChunk: number): Promise<void> {
    const { manifest, checkpointBytes = CHECKPOINT_BYTES } = this.#options;
    this.enter('transferring', this.traffic.resumedBytes);
    const everyChunks = chunksIn(checkpointBytes);
    const checkpointer = new Checkpointer({
      image,
      start: { root: manifest.root, nextChunk },
      everyChunks,
      maxLossChunks: everyChunks + this.#width - 1,
    });
    try {
      await this.#pull(dataRequests(manifest, nextChunk), image, {
        begin: (chunk, signal) => checkpointer.begin(chunk, signal),
        extents: nonzeroExtents,
        done: (chunk) => checkpointer.done(chunk),
      });
    } catch (error) {
      // What has arrived is kept if the store is well; the failure that matters is the first one.
      if (this.#storeFailure === undefined) await checkpointer.saveRest().catch(() => {});
      throw error;
    }
    this.enter('flushing', manifest.dataBytes);
    await checkpointer.saveAll(chunkCount(manifest.sizeBytes));
  }

  async #verify(image: PartialImage): Promise<void> {
    const { manifest, imageId } = this.#options;
    this.enter('verifying', 0);
    const wrong = await this.#findWrong(image, dataChunks(manifest));
    if (wrong.length > 0) await this.#repair(image, wrong);
    const hole = await findDirtyHole(this.#verifyOptions(image));
    if (hole === undefined) return;
    // Nothing the source could send makes a hole clean: the next attempt starts from nothing.
    await image.setMetadata(METADATA.checkpoint, '');
    throw new Refusal('CORRUPT', `chunk ${hole} of image ${imageId} is a hole, but the store has data there`);
  }

  /** The store holds other bytes than were written: they are asked for and written once more. */
  async #repair(image: PartialImage, wrong: readonly number[]): Promise<void> {
    const { imageId } = this.#options;
    await this.#pull(inRequests(runsOf(wrong)), image, {
      begin: async () => {},
      // What is there instead is not known, so zeros are written too.
      extents: (bytes) => [{ offset: 0, length: bytes.length }],
      done: async () => {},
    });
    await image.flush();
    const [still] = await this.#findWrong(image, wrong);
    if (still === undefined) return;
    throw new Refusal(
      'CORRUPT',
      `chunk ${still} of image ${imageId} reads back wrong, also written once more`,
      {
        hint: 'the store does not keep what is written to it: look at the health of its disks',
      },
    );
  }

  async #findWrong(image: PartialImage, chunks: Iterable<number>): Promise<number[]> {
    const wrong = await findWrongChunks(chunks, this.#verifyOptions(image));
    // Bytes that are wrong are read again after their repair.
    for (const chunk of wrong) this.#unverify(chunk);
    return wrong;
  }

  #unverify(chunk: number): void {
    const { manifest } = this.#options;
    const length = manifest.dataBytesBefore(chunk + 1) - manifest.dataBytesBefore(chunk);
    this.traffic.verifiedBytes -= length;
    this.#advance(-length);
  }

  #verifyOptions(image: PartialImage) {
    const { manifest, digests, slabs, signal } = this.#options;
    const onRead = (lengthBytes: number) => {
      this.traffic.verifiedBytes += lengthBytes;
      this.#advance(lengthBytes);
    };
    return { image, manifest, digests, slabs, signal, width: this.#width, onRead };
  }

  /** Asks for the runs, one request after the other, and writes what arrives. */
  async #pull(requests: Iterable<readonly ChunkRun[]>, image: PartialImage, steps: Steps): Promise<void> {
    await withInFlight(this.#width, this.#options.signal, async (inFlight, signal) => {
      for (const runs of requests) await this.#pullRuns(runs, image, steps, inFlight, signal);
    });
  }

  async #pullRuns(
    runs: readonly ChunkRun[],
    image: PartialImage,
    steps: Steps,
    inFlight: InFlight,
    signal: AbortSignal,
  ): Promise<void> {
    const { source, imageId, slabs } = this.#options;
    const asked = chunksOf(runs);
    let next = asked.next();
    let buffer: ChunkBuffer | undefined;
    try {
      for await (const frame of source.pull(imageId, runs, signal)) {
        throwIfAborted(signal);
        this.traffic.receivedBytes += frame.data.length;
        if (buffer === undefined) {
          if (next.done === true)
            throw new Refusal('INVALID', `a frame at ${frame.offset} came after all that was asked for`);
          await steps.begin(next.value, signal);
          buffer = new ChunkBuffer(next.value, image.sizeBytes, await slabs.take(signal));
        }
        if (!buffer.add(frame)) continue;
        const complete = buffer;
        await inFlight.start(() => this.#keep(complete, image, steps));
        // Its slab is the started work's to give back from here on.
        buffer = undefined;
        next = asked.next();
      }
    } finally {
      if (buffer !== undefined) slabs.giveBack(buffer.slab);
    }
    throwIfAborted(signal);
    if (next.done !== true)
      throw new Refusal('INVALID', `the source ended before the end of chunk ${next.value}`);
  }

  async #keep(buffer: ChunkBuffer, image: PartialImage, steps: Steps): Promise<void> {
    try {
      await this.#checkArrived(buffer);
      await this.#store(buffer, image, steps);
    } finally {
      this.#options.slabs.giveBack(buffer.slab);
    }
    await this.#heedStore(() => steps.done(buffer.chunk));
    if (this.#phase === 'transferring') this.#advance(buffer.bytes.length);
  }

  /**
   * A chunk that has arrived is written also after an abort, or a failure of the source: it would
   * have to be sent again. Only a store that fails is left alone.
   */
  async #store(buffer: ChunkBuffer, image: PartialImage, steps: Steps): Promise<void> {
    for (const { offset, length } of steps.extents(buffer.bytes)) {
      const source = buffer.bytes.subarray(offset, offset + length);
      await this.#heedStore(() => image.write(buffer.offset + offset, source));
    }
  }

  async #heedStore(call: () => Promise<void>): Promise<void> {
    if (this.#storeFailure !== undefined) throw this.#storeFailure.error;
    try {
      await call();
    } catch (error) {
      this.#storeFailure ??= { error };
      throw error;
    }
  }

  async #checkArrived({ chunk, bytes }: ChunkBuffer): Promise<void> {
    const { digests, manifest, imageId } = this.#options;
    const expected = manifest.digestOf(chunk);
    const digest = await digests.sha256(bytes);
    if (expected !== undefined && digest.equals(expected)) return;
    throw new Refusal(
      'CORRUPT',
      `chunk ${chunk} of image ${imageId} arrived with other bytes than the manifest says`,
      {
        hint: 'the copy at the source may be damaged, or the way from there',
      },
    );
  }

  #advance(bytes: number): void {
    this.#doneBytes += bytes;
    const { manifest, onProgress } = this.#options;
    const { resumedBytes, holeBytes } = this.traffic;
    const totalBytes = manifest.dataBytes;
    onProgress({ phase: this.#phase, doneBytes: this.#doneBytes, totalBytes, resumedBytes, holeBytes });
  }
}

/** What differs between the first writing of a chunk and its repair. */
interface Steps {
  readonly begin: (chunk: number, signal: AbortSignal) => Promise<void>;
  /** What of a chunk's bytes is written. */
  readonly extents: (bytes: Buffer) => readonly { readonly offset: number; readonly length: number }[];
  readonly done: (chunk: number) => Promise<void>;
}

function* inRequests(runs: readonly ChunkRun[]): Generator<readonly ChunkRun[], void, void> {
  for (let at = 0; at < runs.length; at += RUNS_PER_REQUEST) yield runs.slice(at, at + RUNS_PER_REQUEST);
}
