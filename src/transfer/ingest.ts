import { CHUNK_BYTES } from '../domain/chunk.ts';
import type { ImageData } from '../domain/image.ts';
import { NO_TRAFFIC, type Phase, type Progress, type Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { type DigestPool, StreamDigest } from '../image/digests.ts';
import type { PartialImage, ReadableImage, Store } from '../store/store.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import { releaseFrame } from './frame-codec.ts';
import type { Frame } from './frames.ts';
import { allDone, type InFlight, throwIfAborted, untilAborted, withInFlight } from './in-flight.ts';
import { type Manifest, ManifestBuilder } from './manifest.ts';
import { METADATA, parseImageData } from './metadata.ts';
import { closing, removeStale } from './open.ts';
import { dataChunks } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { findDirtyHole, findWrongChunks } from './verify.ts';
import { isZero, nonzeroExtents } from './zeros.ts';

/** Chunks being hashed and written at once. */
const WIDTH = 4;

export interface IngestOptions {
  readonly store: Store;
  readonly imageId: string;
  /** The same for every attempt at taking these bytes in, another one for other bytes. */
  readonly taskId: string;
  readonly sizeBytes: number;
  /**
   * Chunks in rising order, each ended by a frame that is `last`, holes left out; then one
   * empty frame at offset = sizeBytes, `last`, and nothing after it.
   */
  readonly frames: AsyncIterable<Frame>;
  /** Kept beside the image, at most 64 KiB. */
  readonly recordJson: string;
  /** Resolves when the manifest is durable where readers will ask for it: the image is published after that. */
  readonly keepManifest: (manifest: Manifest) => Promise<void>;
  readonly digests: DigestPool;
  /** A pool of this transfer's own. At least one slab; more than WIDTH + 1 are not used. */
  readonly slabs: SlabPool;
  /** Called for each frame, chunk and phase. While bytes come in, the total is what may still be data. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Counted into as it goes: so the bytes of an attempt that fails are known too. */
  readonly traffic?: { -readonly [Key in keyof Traffic]: number };
}

export interface Ingested {
  readonly data: ImageData;
  readonly traffic: Traffic;
}

/**
 * Takes the bytes of a new image in: one pass makes the manifest, MD5 and SHA-512, and writes;
 * then all is read back, the manifest kept, and the image published. When the image is whole
 * and the same task made it so, returns its data and takes no frame. Never goes on with a partial
 * image: the bytes of a second upload need not be those of the first. What is whole of another
 * task is stale, see `removeStale`.
 *
 * Rejects with a Refusal, after everything it started has settled and the image is closed:
 * INVALID when the frames are not an image of `sizeBytes`; CORRUPT when the store does not
 * give back what was written; CONFLICT when an image that is not ours is in the way; the
 * store's, the frames' and keepManifest's refusals as they are. The partial image stays, for
 * `store.discard`.
 */
export async function ingest(options: IngestOptions): Promise<Ingested> {
  const { store, imageId, taskId, sizeBytes, signal } = options;
  await using intake = new Intake(options);
  try {
    throwIfAborted(signal);
    intake.enter('preparing', 0);
    const known = await dataOfWhole(store, imageId, taskId);
    if (known !== undefined) return { data: known, traffic: intake.traffic };
    await store.discard(imageId);
    const image = await store.openPartial(imageId, sizeBytes);
    const data = await closing(image, () => intake.fill(image));
    throwIfAborted(signal);
    await store.publish(imageId);
    return { data, traffic: intake.traffic };
  } catch (error) {
    throw Refusal.from(error);
  }
}

/** What an earlier attempt of the task took in. Undefined when there is no whole image, any more. */
async function dataOfWhole(store: Store, imageId: string, taskId: string): Promise<ImageData | undefined> {
  const image = await wholeIfAny(store, imageId);
  if (image === undefined) return undefined;
  const { data, task, root } = await closing(image, async () => ({
    data: parseImageData(await image.metadata(METADATA.data)),
    task: await image.metadata(METADATA.task),
    root: await image.metadata(METADATA.root),
  }));
  if (data !== undefined && task === taskId) return data;
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
  readonly #stream = new StreamDigest();
  readonly #builder: ManifestBuilder;
  /** Digests that wait for those of earlier chunks. */
  readonly #digestsAhead = new Map<number, Buffer>();
  readonly #dataChunks: number[] = [];
  /** All of the image below is complete, data and holes. */
  #position = 0;
  #phase: Phase = 'preparing';
  #doneBytes = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#builder = new ManifestBuilder(options.sizeBytes);
    this.traffic = options.traffic ?? { ...NO_TRAFFIC };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }

  enter(phase: Phase, doneBytes: number): void {
    this.#phase = phase;
    this.#doneBytes = doneBytes;
    this.#advance(0);
  }

  /** From an empty partial image to one that is verified and may be published. */
  async fill(image: PartialImage): Promise<ImageData> {
    const { imageId, taskId, recordJson, keepManifest } = this.#options;
    this.enter('transferring', 0);
    await withInFlight(WIDTH, this.#options.signal, (inFlight, signal) =>
      this.#takeIn(image, inFlight, signal),
    );
    const manifest = this.#builder.build();
    const { md5, sha512 } = await this.#stream.finish();
    this.enter('flushing', manifest.dataBytes);
    await image.flush();
    await this.#verify(image, manifest);
    this.enter('publishing', manifest.dataBytes);
    await keepManifest(manifest);
    const { sizeBytes, dataBytes, root } = manifest;
    const digests = { checksum: md5, osHashAlgo: 'sha512', osHashValue: sha512, root } as const;
    const data: ImageData = { sizeBytes, virtualSizeBytes: sizeBytes, dataBytes, ...digests };
    await image.setMetadata(METADATA.uuid, imageId);
    await image.setMetadata(METADATA.root, root);
    await image.setMetadata(METADATA.record, recordJson);
    await image.setMetadata(METADATA.data, JSON.stringify(data));
    await image.setMetadata(METADATA.task, taskId);
    return data;
  }

  async #takeIn(image: PartialImage, inFlight: InFlight, signal: AbortSignal): Promise<void> {
    const { frames, sizeBytes, slabs } = this.#options;
    let buffer: ChunkBuffer | undefined;
    let arrivedBytes = 0;
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
        this.traffic.receivedBytes += frame.data.length;
        this.traffic.wireBytes += frame.data.length;
        this.#advance(0);
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
        await inFlight.start(() => this.#keep(complete, image, signal));
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
    const { sizeBytes, slabs } = this.#options;
    const chunk = Math.floor(offset / CHUNK_BYTES);
    if (chunk * CHUNK_BYTES < this.#position || offset >= sizeBytes) {
      throw new Refusal('INVALID', `a frame at ${offset} came after ${this.#position} bytes were complete`);
    }
    await this.#skipTo(chunk * CHUNK_BYTES, signal);
    return new ChunkBuffer(chunk, sizeBytes, await slabs.take(signal));
  }

  async #skipTo(offset: number, signal: AbortSignal): Promise<void> {
    const lengthBytes = offset - this.#position;
    if (lengthBytes === 0) return;
    await this.#stream.zeros(lengthBytes, signal);
    this.#position = offset;
    this.traffic.holeBytes += lengthBytes;
    this.#advance(0);
  }

  /** Called in the order of chunks: the stream's digests see them in that order, whatever takes how long. */
  async #keep(
    { chunk, offset, bytes, slab }: ChunkBuffer,
    image: PartialImage,
    signal: AbortSignal,
  ): Promise<void> {
    const streamed = this.#stream.update(bytes);
    try {
      if (isZero(bytes)) {
        this.traffic.holeBytes += bytes.length;
        this.#advance(0);
        return;
      }
      this.#dataChunks.push(chunk);
      await allDone([this.#digest(chunk, bytes), writeData(image, offset, bytes, signal), streamed]);
      this.#advance(bytes.length);
    } finally {
      await streamed.finally(() => this.#options.slabs.giveBack(slab));
    }
  }

  async #digest(chunk: number, bytes: Buffer): Promise<void> {
    this.#digestsAhead.set(chunk, await this.#options.digests.sha256(bytes));
    for (;;) {
      const [first] = this.#dataChunks;
      const digest = first === undefined ? undefined : this.#digestsAhead.get(first);
      if (first === undefined || digest === undefined) return;
      this.#builder.add(first, digest);
      this.#digestsAhead.delete(first);
      this.#dataChunks.shift();
    }
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

async function writeData(
  image: PartialImage,
  offset: number,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<void> {
  for (const extent of nonzeroExtents(bytes)) {
    throwIfAborted(signal);
    await image.write(offset + extent.offset, bytes.subarray(extent.offset, extent.offset + extent.length));
  }
}

function isEnd({ offset, data, last }: Frame, sizeBytes: number): boolean {
  return offset === sizeBytes && data.length === 0 && last;
}
