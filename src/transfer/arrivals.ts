import type { Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DigestPool } from '../image/digests.ts';
import type { PartialImage } from '../store/store.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import { releaseFrame } from './frame-codec.ts';
import type { ChunkRun, FrameSource } from './frames.ts';
import { type InFlight, throwIfAborted, withInFlight } from './in-flight.ts';
import type { Manifest } from './manifest.ts';
import { chunksOf } from './runs.ts';
import type { SlabPool } from './slab.ts';

/** What differs between the first writing of a chunk and its repair. */
export interface Steps {
  /** Before the first frame of a chunk is taken in. */
  readonly begin: (chunk: number, signal: AbortSignal) => Promise<void>;
  /** What of a chunk's bytes is written. */
  readonly extents: (bytes: Buffer) => readonly { readonly offset: number; readonly length: number }[];
  /** It is written; it has so many bytes. */
  readonly done: (chunk: number, lengthBytes: number) => Promise<void>;
}

export interface ArrivalsOptions {
  readonly image: PartialImage;
  readonly imageId: string;
  readonly manifest: Manifest;
  readonly source: FrameSource;
  readonly digests: DigestPool;
  readonly slabs: SlabPool;
  /** Chunks being hashed and written at once. */
  readonly width: number;
  /** `receivedBytes` is counted up. */
  readonly traffic: { -readonly [Key in keyof Traffic]: number };
}

/** The way of a copy's chunks from the source into the store: put together, hashed, compared, written. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  #storeFailure: { readonly error: unknown } | undefined;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Whether the store has failed: nothing is asked of it any more. */
  get storeFailed(): boolean {
    return this.#storeFailure !== undefined;
  }

  /** The store has failed at something else. */
  storeFails(error: unknown): void {
    this.#storeFailure ??= { error };
  }

  /**
   * Asks for the runs, one request after the other, and writes what arrives. Rejects as `withInFlight`:
   * INVALID, CORRUPT, or what source and store refuse.
   */
  async pull(requests: Iterable<readonly ChunkRun[]>, steps: Steps, signal: AbortSignal): Promise<void> {
    await withInFlight(this.#options.width, signal, async (inFlight, either) => {
      for (const runs of requests) await this.#pullRuns(runs, steps, inFlight, either);
    });
  }

  async #pullRuns(
    runs: readonly ChunkRun[],
    steps: Steps,
    inFlight: InFlight,
    signal: AbortSignal,
  ): Promise<void> {
    const { image, source, imageId, slabs, traffic } = this.#options;
    const asked = chunksOf(runs);
    let next = asked.next();
    let buffer: ChunkBuffer | undefined;
    try {
      for await (const frame of source.pull(imageId, runs, signal)) {
        throwIfAborted(signal);
        traffic.receivedBytes += frame.data.length;
        if (buffer === undefined) {
          if (next.done === true)
            throw new Refusal('INVALID', `a frame at ${frame.offset} came after all that was asked for`);
          await steps.begin(next.value, signal);
          buffer = new ChunkBuffer(next.value, image.sizeBytes, await slabs.take(signal));
        }
        const isComplete = buffer.add(frame);
        releaseFrame(frame);
        if (!isComplete) continue;
        const complete = buffer;
        await inFlight.start(() => this.#keep(complete, steps));
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

  async #keep(buffer: ChunkBuffer, steps: Steps): Promise<void> {
    try {
      await this.#check(buffer);
      await this.#write(buffer, steps);
    } finally {
      this.#options.slabs.giveBack(buffer.slab);
    }
    await this.#heedStore(() => steps.done(buffer.chunk, buffer.bytes.length));
  }

  async #check({ chunk, bytes }: ChunkBuffer): Promise<void> {
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

  /**
   * A chunk that has arrived is written also after an abort, or a failure of the source: it would
   * have to be sent again. Only a store that fails is left alone.
   */
  async #write(buffer: ChunkBuffer, steps: Steps): Promise<void> {
    for (const { offset, length } of steps.extents(buffer.bytes)) {
      const source = buffer.bytes.subarray(offset, offset + length);
      await this.#heedStore(() => this.#options.image.write(buffer.offset + offset, source));
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
}
