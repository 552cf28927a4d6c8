import type { Compression } from '../domain/compression.ts';
import type { Traffic } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import type { DigestPool } from '../image/digests.ts';
import type { PartialImage } from '../store/store.ts';
import { ChunkBuffer } from './chunk-buffer.ts';
import type { ChunkQueue } from './chunk-queue.ts';
import { releaseFrame } from './frame-codec.ts';
import type { ChunkRun, FrameSource } from './frames.ts';
import { type InFlight, throwIfAborted, withInFlight } from './in-flight.ts';
import { MOST_PULLS } from './loss.ts';
import type { Manifest } from './manifest.ts';
import { chunksOf } from './runs.ts';
import type { SlabPool } from './slab.ts';
import { unpacked } from './unpack.ts';

/** What differs between the first writing of a chunk and its repair. */
export interface Steps {
  /** What of a chunk's bytes is written. */
  readonly extents: (
    chunk: number,
    bytes: Buffer,
  ) => readonly { readonly offset: number; readonly length: number }[];
  /** It is written; it has so many bytes. */
  readonly done: (chunk: number, lengthBytes: number) => Promise<void>;
}

type Begin = (chunk: number, signal: AbortSignal) => Promise<void>;

export interface ArrivalsOptions {
  readonly image: PartialImage;
  readonly imageId: string;
  readonly manifest: Manifest;
  readonly source: FrameSource;
  readonly digests: DigestPool;
  readonly slabs: SlabPool;
  /** Chunks being hashed and written at once. */
  readonly width: number;
  /** `receivedBytes` and `wireBytes` are counted up. */
  readonly traffic: { -readonly [Key in keyof Traffic]: number };
  /** A frame has arrived, and is counted. */
  readonly onArrival: () => void;
}

/**
 * Slabs besides those in which as many pulls put chunks together: one to be written from, one to read back into. Pulls
 * are several where the link is slower than the store; and while one waits for a slab, its window fills.
 */
const OTHER_SLABS = 2;

/** The way of a copy's chunks from the source into the store: put together, hashed, compared, written. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  #compression: Compression | undefined;
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

  /** What the source last said of packing. */
  get compression(): Compression | undefined {
    return this.#compression;
  }

  /**
   * Asks for the runs, one request after the other, and writes what arrives. Rejects as `withInFlight`:
   * INVALID, CORRUPT, or what source and store refuse.
   */
  async pull(requests: Iterable<readonly ChunkRun[]>, steps: Steps, signal: AbortSignal): Promise<void> {
    await withInFlight(this.#options.width, signal, async (writing, either) => {
      for (const runs of requests) await this.#pullRuns(runs, async () => {}, steps, writing, either);
    });
  }

  /**
   * Asks for what the queue has, in as many pulls at once as the source allows; when that gets more,
   * further ones begin. One that fails ends all: what has arrived stays, and the next attempt asks for no
   * more than the rest. Rejects as `pull`.
   */
  async pullAll(queue: ChunkQueue, steps: Steps, signal: AbortSignal): Promise<void> {
    const { width, slabs, source } = this.#options;
    const slabsBefore = slabs.count;
    try {
      await withInFlight(width, signal, (writing, either) =>
        withInFlight(MOST_PULLS, either, async (pulls, stop) => {
          let started = 0;
          const widen = async () => {
            while (started < Math.max(1, Math.min(source.width, MOST_PULLS))) {
              started++;
              slabs.resize(Math.max(slabsBefore, started + OTHER_SLABS));
              await pulls.start(() => this.#pullFrom(queue, widen, steps, writing, stop));
            }
          };
          await widen();
        }),
      );
    } finally {
      slabs.resize(slabsBefore);
    }
  }

  async #pullFrom(
    queue: ChunkQueue,
    widen: () => Promise<void>,
    steps: Steps,
    writing: InFlight,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const request = await queue.take(signal);
      if (request === undefined) return;
      const begin: Begin = async (chunk, stop) => {
        await widen();
        await request.begin(chunk, stop);
      };
      try {
        await this.#pullRuns(request.runs, begin, steps, writing, signal);
      } finally {
        request.end();
      }
    }
  }

  async #pullRuns(
    runs: readonly ChunkRun[],
    begin: Begin,
    steps: Steps,
    writing: InFlight,
    signal: AbortSignal,
  ): Promise<void> {
    const { image, source, imageId, slabs, traffic, onArrival } = this.#options;
    const asked = chunksOf(runs);
    let next = asked.next();
    let buffer: ChunkBuffer | undefined;
    try {
      const frames = source.pull(imageId, runs, signal);
      for await (const frame of unpacked(frames, (bytes, compression) => this.#count(bytes, compression))) {
        throwIfAborted(signal);
        traffic.receivedBytes += frame.data.length;
        onArrival();
        if (buffer === undefined) {
          if (next.done === true)
            throw new Refusal('INVALID', `a frame at ${frame.offset} came after all that was asked for`);
          await begin(next.value, signal);
          buffer = new ChunkBuffer(next.value, image.sizeBytes, await slabs.take(signal));
        }
        const isComplete = buffer.add(frame);
        releaseFrame(frame);
        if (!isComplete) continue;
        const complete = buffer;
        await writing.start(() => this.#keep(complete, steps));
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

  #count(wireBytes: number, compression: Compression | undefined): void {
    this.#options.traffic.wireBytes += wireBytes;
    this.#compression = compression ?? this.#compression;
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
    for (const { offset, length } of steps.extents(buffer.chunk, buffer.bytes)) {
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
