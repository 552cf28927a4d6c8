import { CHUNK_BYTES } from '../domain/chunk.ts';
import type { ImageData } from '../domain/image.ts';
import { NO_TRAFFIC, type Phase, type Progress, type Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DigestPool } from '../image/digests.ts';
import type { PartialImage, ReadableImage, Store } from '../store/store.ts';
import { ChunkIntake, WIDTH } from './chunk-intake.ts';
import { ContentDigest, imageDataOf } from './content-digest.ts';
import type { Frame } from './frames.ts';
import { throwIfAborted } from './in-flight.ts';
import { type BytesBefore, bytesBelow, type IngestCheckpoint, openForIngest } from './ingest-checkpoint.ts';
import { IngestCheckpoints } from './ingest-checkpoints.ts';
import type { Manifest } from './manifest.ts';
import { type Details, METADATA, parseImageData, writeDetails } from './metadata.ts';
import { closing, removeStale } from './open.ts';
import { dataChunks } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { type PassedBytes, surveyInto } from './survey.ts';
import { EXTENT_WINDOW_CHUNKS, findDirtyHole, findWrongChunks } from './verify.ts';

export interface IngestOptions {
  readonly store: Store;
  readonly imageId: string;
  /** The same for every attempt at taking these bytes in, another one for other bytes. */
  readonly taskId: string;
  readonly sizeBytes: number;
  /**
   * What follows on the bytes that are here already: chunks in rising order, each ended by a frame that is `last`,
   * holes left out; then one empty frame at offset = sizeBytes, `last`, and nothing after it. Called once at most.
   */
  readonly frames: (before: BytesBefore) => AsyncIterable<Frame>;
  /**
   * Keeps checkpoints, and goes on from that of an earlier attempt of the same task with the same note, which says what
   * bytes they are (at most 32 KiB). Default: begins anew, and leaves nothing to go on with.
   */
  readonly resume?: Resume | undefined;
  /** Hears of the bytes, and has a say in whether they are kept. */
  readonly intake: IntakeCheck;
  /** Resolves when the manifest is durable where readers will ask for it: the image is published after that. */
  readonly keepManifest: (manifest: Manifest) => Promise<void>;
  readonly digests: DigestPool;
  /** A pool of this transfer's own. At least one slab; more than WIDTH + 2 are not used. */
  readonly slabs: SlabPool;
  /** Called for each frame, chunk and phase. While bytes come in, the total is what may still be data. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Counted into as it goes: so the bytes of an attempt that fails are known too. */
  readonly traffic?: { -readonly [Key in keyof Traffic]: number };
}

export interface Resume {
  readonly note: string;
  /** A checkpoint is due when so much is written after the one before. Default CHECKPOINT_BYTES. */
  readonly checkpointBytes?: number;
}

/** What looks at an image's bytes as they come in: in their order, what is left out as zeros. */
export interface IntakeCheck {
  /** Until it resolves the bytes must not change; rejects to end the ingest. Called again before the one before has settled. */
  update(bytes: Uint8Array): Promise<void>;
  skip(lengthBytes: number, signal: AbortSignal): Promise<void>;
  /** After the last byte, before anything is published: what belongs beside the image. Rejects when it may not be kept. */
  settle(): Promise<Details>;
}

export interface Ingested {
  readonly data: ImageData;
  /** As `Details.formatJson`. */
  readonly formatJson: string;
  readonly traffic: Traffic;
}

/**
 * Takes the bytes of a new image in: one pass makes the manifest, MD5 and SHA-512, and writes;
 * then all is read back, the manifest kept, and the image published. When the image is whole
 * and the same task made it so, returns its data and takes no frame. With `resume` it goes on from an earlier attempt's
 * checkpoint: what lies behind that is cleared, what lies below is read for the digests and the check. What is whole of
 * another task is stale, see `removeStale`.
 *
 * Rejects with a Refusal, after everything it started has settled and the image is closed:
 * INVALID when the frames are not the rest of an image of `sizeBytes`; CORRUPT when the store does not
 * give back what was written; CONFLICT when an image that is not ours is in the way; the
 * store's, the frames' and keepManifest's refusals as they are. The partial image stays, with `resume` all that came
 * without a gap below its checkpoint; whoever does not want to go on calls `store.discard`.
 */
export async function ingest(options: IngestOptions): Promise<Ingested> {
  const { store, imageId, taskId, signal } = options;
  await using intake = new Intake(options);
  try {
    throwIfAborted(signal);
    intake.enter('preparing', 0);
    const known = await dataOfWhole(store, imageId, taskId);
    if (known !== undefined) return { ...known, traffic: intake.traffic };
    const { image, checkpoint } = await open(options);
    const ingested = await closing(image, () => intake.fill(image, checkpoint));
    throwIfAborted(signal);
    await store.publish(imageId);
    return { ...ingested, traffic: intake.traffic };
  } catch (error) {
    throw Refusal.from(error);
  }
}

/** Without a checkpoint the image is empty, and none is to be kept. */
async function open({
  store,
  imageId,
  taskId,
  sizeBytes,
  resume,
}: IngestOptions): Promise<{ image: PartialImage; checkpoint?: IngestCheckpoint }> {
  if (resume !== undefined)
    return await openForIngest(store, imageId, sizeBytes, { taskId, note: resume.note });
  // The bytes of a second attempt need not be those of the first.
  await store.discard(imageId);
  return { image: await store.openPartial(imageId, sizeBytes) };
}

/** What an earlier attempt of the task took in. Undefined when there is no whole image, any more. */
export async function dataOfWhole(
  store: Store,
  imageId: string,
  taskId: string,
): Promise<Omit<Ingested, 'traffic'> | undefined> {
  const image = await wholeIfAny(store, imageId);
  if (image === undefined) return undefined;
  const { data, task, root, formatJson } = await closing(image, async () => ({
    data: parseImageData(await image.metadata(METADATA.data)),
    task: await image.metadata(METADATA.task),
    root: await image.metadata(METADATA.root),
    formatJson: (await image.metadata(METADATA.format)) ?? '',
  }));
  if (data !== undefined && task === taskId) return { data, formatJson };
  await removeStale(store, imageId, root);
  return undefined;
}

async function wholeIfAny(store: Store, imageId: string): Promise<ReadableImage | undefined> {
  try {
    return await store.openWhole(imageId);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

class Intake implements AsyncDisposable {
  readonly traffic: { -readonly [Key in keyof Traffic]: number };
  readonly #options: IngestOptions;
  readonly #content: ContentDigest;
  #phase: Phase = 'preparing';
  #doneBytes = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#content = new ContentDigest(options.sizeBytes, options.digests);
    this.traffic = options.traffic ?? { ...NO_TRAFFIC };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#content[Symbol.asyncDispose]();
  }

  enter(phase: Phase, doneBytes: number): void {
    this.#phase = phase;
    this.#doneBytes = doneBytes;
    this.#advance(0);
  }

  /** From an open partial image to one that is verified and may be published. */
  async fill(image: PartialImage, kept: IngestCheckpoint | undefined): Promise<Omit<Ingested, 'traffic'>> {
    const { imageId, taskId, intake, keepManifest, signal, frames, resume } = this.#options;
    const checkpoints = kept && new IngestCheckpoints(image, kept, resume?.checkpointBytes);
    const before = await this.#regain(image, kept);
    this.enter('transferring', this.traffic.resumedBytes);
    const arrivals = new ChunkIntake({
      ...this.#options,
      image,
      startByte: before.lengthBytes,
      content: this.#content,
      checkpoints,
      traffic: this.traffic,
      onAdvance: (bytes) => this.#advance(bytes),
    });
    await arrivals.takeIn(frames(before), signal);
    const content = await this.#content.finish();
    const { manifest } = content;
    const details = await intake.settle();
    this.enter('flushing', manifest.dataBytes);
    if (checkpoints === undefined) await image.flush();
    else await checkpoints.saveAll(content.sha512);
    await this.#verify(image, manifest);
    this.enter('publishing', manifest.dataBytes);
    await keepManifest(manifest);
    const data = imageDataOf(content, details.virtualSizeBytes);
    await writeDetails(image, { imageId, taskId, data, details });
    return { data, formatJson: details.formatJson };
  }

  /** Goes over what an earlier attempt has left, so that it is as if it had just come. */
  async #regain(image: PartialImage, kept: IngestCheckpoint | undefined): Promise<BytesBefore> {
    const { imageId, slabs, intake, sizeBytes, signal } = this.#options;
    const lengthBytes = kept === undefined ? 0 : bytesBelow(kept, sizeBytes);
    if (kept !== undefined) await clearFrom(image, lengthBytes, signal);
    const onPassed = ({ readBytes, holeBytes }: PassedBytes) => {
      this.traffic.resumedBytes += readBytes;
      this.traffic.holeBytes += holeBytes;
      this.#advance(readBytes);
    };
    await surveyInto(this.#content, lengthBytes, { image, slabs, onPassed, check: intake, signal });
    const sha512 = await this.#content.sha512SoFar();
    if (kept === undefined || kept.sha512 === sha512) return { lengthBytes, sha512 };
    throw new Refusal(
      'CORRUPT',
      `the first ${lengthBytes} bytes of image ${imageId} are not in the store as they were written`,
      { hint: 'look at the health of its disks; then begin anew' },
    );
  }

  async #verify(image: PartialImage, manifest: Manifest): Promise<void> {
    const { digests, slabs, signal, imageId } = this.#options;
    this.enter('verifying', 0);
    const onRead = (lengthBytes: number) => {
      this.traffic.verifiedBytes += lengthBytes;
      this.#advance(lengthBytes);
    };
    const options = { image, manifest, digests, slabs, signal, width: WIDTH, onRead };
    const [wrong] = await findWrongChunks(() => dataChunks(manifest), options);
    const chunk = wrong ?? (await findDirtyHole(options));
    if (chunk === undefined) return;
    throw new Refusal('CORRUPT', `chunk ${chunk} of image ${imageId} does not read back as it was written`, {
      hint: 'the store does not keep what is written to it: look at the health of its disks',
    });
  }

  #advance(bytes: number): void {
    this.#doneBytes += bytes;
    const { sizeBytes, onProgress } = this.#options;
    const { holeBytes, resumedBytes, receivedBytes, wireBytes } = this.traffic;
    onProgress({
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      totalBytes: sizeBytes - holeBytes,
      resumedBytes,
      holeBytes,
      receivedBytes,
      wireBytes,
    });
  }
}

/**
 * What came after the checkpoint may be torn, or of another rest: it would show in this one's holes. Also where there
 * is no extent: that an earlier attempt cleared it may have been lost with a flush that failed.
 */
async function clearFrom(image: PartialImage, startByte: number, signal: AbortSignal): Promise<void> {
  const windowBytes = EXTENT_WINDOW_CHUNKS * CHUNK_BYTES;
  for (let at = startByte; at < image.sizeBytes; at += windowBytes) {
    throwIfAborted(signal);
    await image.clear(at, Math.min(windowBytes, image.sizeBytes - at));
  }
}
