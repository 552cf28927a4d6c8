import { chunkCount } from '../domain/chunk.ts';
import { NO_TRAFFIC, type Phase, type Progress, type Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DigestPool } from '../image/digests.ts';
import type { PartialImage, Store } from '../store/store.ts';
import { Arrivals } from './arrivals.ts';
import { Checkpointer } from './checkpointer.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { Flushed } from './flushed.ts';
import { type Found, lookAfterCheckpoint } from './found.ts';
import { type ChunkRun, type FrameSource, RUNS_PER_REQUEST } from './frames.ts';
import { throwIfAborted, withInFlight } from './in-flight.ts';
import { ASKED_CHUNKS, CHECKPOINT_BYTES, type LossBounds, lossBounds, WIDTH } from './loss.ts';
import type { Manifest } from './manifest.ts';
import { METADATA, writeCheckpoint } from './metadata.ts';
import { closing, openForCopy } from './open.ts';
import { dataChunks, runsOf } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { type ChunksToRead, findDirtyHole, findWrongChunks } from './verify.ts';
import { nonzeroExtents } from './zeros.ts';

/**
 * `read-back`: every data chunk is read from the store after it was flushed, and compared with the manifest.
 * `arrival`: every data chunk is compared when it has arrived; that the store keeps what is written and flushed
 * to it is left to the store, which has checksums of its own. What an earlier attempt brought is read back.
 */
export type Verify = 'read-back' | 'arrival';

export interface ReceiveOptions {
  readonly store: Store;
  readonly imageId: string;
  readonly manifest: Manifest;
  readonly source: FrameSource;
  /** Kept beside the image, at most 64 KiB. */
  readonly recordJson: string;
  readonly digests: DigestPool;
  /** A pool of this transfer's own. At least one slab; while several pulls run it is made larger. */
  readonly slabs: SlabPool;
  /** Called for each frame, chunk and phase; whoever shows it throttles it. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Default CHECKPOINT_BYTES. */
  readonly checkpointBytes?: number;
  /** Default WIDTH. */
  readonly width?: number;
  /** Default ASKED_CHUNKS. At least three more than a checkpoint's. The same for all attempts at an image. */
  readonly askedChunks?: number;
  /** How it is made sure that the image is right; default `read-back`. */
  readonly verify?: Verify;
  /** Counted into as it goes: so the bytes of an attempt that fails are known too. */
  readonly traffic?: { -readonly [Key in keyof Traffic]: number };
}

export interface Received {
  /** Root of what was read back from the store or, with `verify: 'arrival'`, of what arrived and was flushed. */
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
  readonly #bounds: LossBounds;
  #arrivals: Arrivals | undefined;
  #phase: Phase = 'preparing';
  #doneBytes = 0;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    const { checkpointBytes = CHECKPOINT_BYTES, width = WIDTH, askedChunks = ASKED_CHUNKS } = options;
    this.#width = width;
    this.#bounds = lossBounds(checkpointBytes, askedChunks);
    this.traffic = options.traffic ?? { ...NO_TRAFFIC };
  }

  enter(phase: Phase, doneBytes: number): void {
    this.#phase = phase;
    this.#doneBytes = doneBytes;
    this.#advance(0);
  }

  /** From an open partial image to one that is verified and may be published. */
  async fill(image: PartialImage, nextChunk: number): Promise<void> {
    const { manifest, imageId, recordJson, source, digests, slabs, signal } = this.#options;
    const { traffic } = this;
    traffic.holeBytes = manifest.sizeBytes - manifest.dataBytes;
    const { askedChunks: mostChunks } = this.#bounds;
    const found = await lookAfterCheckpoint({ ...this.#readOptions(image, signal), nextChunk, mostChunks });
    traffic.resumedBytes = manifest.dataBytesBefore(nextChunk) + found.rightBytes;
    const width = this.#width;
    const onArrival = () => this.#advance(0);
    const parts = { image, imageId, manifest, source, digests, slabs };
    const arrivals = new Arrivals({ ...parts, width, traffic, onArrival });
    this.#arrivals = arrivals;
    const wrong = await this.#transfer(image, arrivals, found);
    if (wrong.length > 0) await this.#repair(image, arrivals, wrong);
    await this.#requireCleanHoles(image);
    this.enter('publishing', manifest.dataBytes);
    await image.setMetadata(METADATA.uuid, imageId);
    await image.setMetadata(METADATA.root, manifest.root);
    await image.setMetadata(METADATA.record, recordJson);
  }

  /**
   * Everything from the checkpoint on is written and flushed, and everything, or with `arrival` what lies before
   * the checkpoint, is read back: what is flushed while the rest still arrives. Returns the chunks that read back wrong.
   */
  async #transfer(image: PartialImage, arrivals: Arrivals, found: Found): Promise<number[]> {
    const { signal, verify = 'read-back' } = this.#options;
    this.enter('transferring', this.traffic.resumedBytes);
    const flushed = new Flushed(found.nextChunk);
    let wrong: number[] = [];
    // What earlier attempts brought this one has not seen arrive: one of them may have been cut in a repair.
    const untilChunk = verify === 'read-back' ? Number.POSITIVE_INFINITY : found.nextChunk;
    await withInFlight(2, signal, async (inFlight, either) => {
      if (untilChunk > 0) {
        await inFlight.start(async () => {
          wrong = await this.#readBack(image, arrivals, flushed, untilChunk, either);
        });
      }
      await inFlight.start(async () => {
        await this.#receive(image, arrivals, found, flushed, either);
        if (untilChunk > 0) this.enter('verifying', this.traffic.verifiedBytes);
      });
    });
    return wrong;
  }

  async #readBack(
    image: PartialImage,
    arrivals: Arrivals,
    flushed: Flushed,
    untilChunk: number,
    signal: AbortSignal,
  ): Promise<number[]> {
    const data = chunksBelow(untilChunk, dataChunks(this.#options.manifest));
    try {
      return await this.#findWrong(image, (stop) => flushed.of(data, stop), signal);
    } catch (error) {
      // A store that cannot be read is not written to either.
      if (!signal.aborted) arrivals.storeFails(error);
      throw error;
    }
  }

  async #receive(
    image: PartialImage,
    arrivals: Arrivals,
    { nextChunk, right, torn }: Found,
    flushed: Flushed,
    signal: AbortSignal,
  ): Promise<void> {
    const { manifest, source } = this.#options;
    const bounds = this.#bounds;
    const checkpointer = new Checkpointer({
      image,
      startChunk: nextChunk,
      write: (below) => writeCheckpoint(image, { root: manifest.root, nextChunk: below }),
      everyChunks: bounds.everyChunks,
      onSaved: (below) => flushed.reach(below),
    });
    const queue = new ChunkQueue({ manifest, nextChunk, right, source, bounds, checkpointer });
    const steps = {
      extents: (chunk: number, bytes: Buffer) => (torn.has(chunk) ? whole(bytes) : nonzeroExtents(bytes)),
      done: async (chunk: number, lengthBytes: number) => {
        await checkpointer.done(chunk);
        this.#advance(lengthBytes);
      },
    };
    try {
      await arrivals.pullAll(queue, steps, signal);
    } catch (error) {
      // What has arrived is kept if the store is well; the failure that matters is the first one.
      if (!arrivals.storeFailed) await checkpointer.saveRest().catch(() => {});
      throw error;
    }
    this.enter('flushing', manifest.dataBytes);
    await checkpointer.saveAll(chunkCount(manifest.sizeBytes));
  }

  async #requireCleanHoles(image: PartialImage): Promise<void> {
    const { imageId, signal } = this.#options;
    const hole = await findDirtyHole(this.#readOptions(image, signal));
    if (hole === undefined) return;
    // Nothing the source could send makes a hole clean: the next attempt starts from nothing.
    await image.setMetadata(METADATA.checkpoint, '');
    throw new Refusal('CORRUPT', `chunk ${hole} of image ${imageId} is a hole, but the store has data there`);
  }

  /** The store holds other bytes than were written: they are asked for and written once more. */
  async #repair(image: PartialImage, arrivals: Arrivals, wrong: readonly number[]): Promise<void> {
    const { imageId, signal } = this.#options;
    const steps = {
      // What is there instead is not known.
      extents: (_chunk: number, bytes: Buffer) => whole(bytes),
      done: async () => {},
    };
    await arrivals.pull(inRequests(runsOf(wrong)), steps, signal);
    await image.flush();
    const [still] = await this.#findWrong(image, () => wrong, signal);
    if (still === undefined) return;
    throw new Refusal(
      'CORRUPT',
      `chunk ${still} of image ${imageId} reads back wrong, also written once more`,
      {
        hint: 'the store does not keep what is written to it: look at the health of its disks',
      },
    );
  }

  async #findWrong(image: PartialImage, chunks: ChunksToRead, signal: AbortSignal): Promise<number[]> {
    const wrong = await findWrongChunks(chunks, this.#readOptions(image, signal));
    // Bytes that are wrong are read again after their repair.
    for (const chunk of wrong) this.#unverify(chunk);
    return wrong;
  }

  #unverify(chunk: number): void {
    const { manifest } = this.#options;
    this.#verified(manifest.dataBytesBefore(chunk) - manifest.dataBytesBefore(chunk + 1));
  }

  #verified(lengthBytes: number): void {
    this.traffic.verifiedBytes += lengthBytes;
    if (this.#phase === 'verifying') this.#advance(lengthBytes);
  }

  #readOptions(image: PartialImage, signal: AbortSignal) {
    const { manifest, digests, slabs } = this.#options;
    const onRead = (lengthBytes: number) => this.#verified(lengthBytes);
    return { image, manifest, digests, slabs, signal, width: this.#width, onRead };
  }

  #advance(bytes: number): void {
    this.#doneBytes += bytes;
    const { manifest, onProgress } = this.#options;
    const { resumedBytes, holeBytes, receivedBytes, wireBytes } = this.traffic;
    onProgress({
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      totalBytes: manifest.dataBytes,
      resumedBytes,
      holeBytes,
      receivedBytes,
      wireBytes,
      compression: this.#arrivals?.compression,
    });
  }
}

/** All of a chunk, zeros too. */
function whole(bytes: Buffer): { offset: number; length: number }[] {
  return [{ offset: 0, length: bytes.length }];
}

function* chunksBelow(end: number, rising: Iterable<number>): Generator<number, void, void> {
  for (const chunk of rising) {
    if (chunk >= end) return;
    yield chunk;
  }
}

function* inRequests(runs: readonly ChunkRun[]): Generator<readonly ChunkRun[], void, void> {
  for (let at = 0; at < runs.length; at += RUNS_PER_REQUEST) yield runs.slice(at, at + RUNS_PER_REQUEST);
}
