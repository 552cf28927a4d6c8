import { chunkCount } from '../domain/chunk.ts';
import type { PartialImage } from '../store/store.ts';
import { Checkpointer } from './checkpointer.ts';
import { type IngestCheckpoint, writeIngestCheckpoint } from './ingest-checkpoint.ts';
import { ASKED_CHUNKS, CHECKPOINT_BYTES, lossBounds, WIDTH } from './loss.ts';

/** Keeps the checkpoint of one attempt at an ingest, with the SHA-512 of what is below. */
export class IngestCheckpoints {
  readonly #image: PartialImage;
  readonly #kept: IngestCheckpoint;
  readonly #checkpointer: Checkpointer;
  readonly #mostChunks: number;
  /** SHA-512 of all below the chunk, for chunks the next checkpoint may be at. */
  readonly #sha512 = new Map<number, Promise<string>>();

  /** `kept`: what is on the image now. */
  constructor(image: PartialImage, kept: IngestCheckpoint, checkpointBytes = CHECKPOINT_BYTES) {
    const { everyChunks, askedChunks } = lossBounds(checkpointBytes, ASKED_CHUNKS);
    this.#image = image;
    this.#kept = kept;
    this.#mostChunks = Math.max(askedChunks, everyChunks + WIDTH);
    this.#checkpointer = new Checkpointer({
      image,
      startChunk: kept.nextChunk,
      write: (nextChunk) => this.#write(nextChunk),
      everyChunks,
    });
  }

  /** As Checkpointer.begin, while so much may be lost as a copy may lose. */
  async begin(chunk: number, signal: AbortSignal): Promise<void> {
    await this.#checkpointer.begin(chunk, this.#mostChunks, signal);
  }

  /** `sha512`: of the image up to the end of the chunk. */
  hashed(chunk: number, sha512: Promise<string>): void {
    // Whoever writes the checkpoint hears of it.
    sha512.catch(() => {});
    this.#sha512.set(chunk + 1, sha512);
  }

  /** As Checkpointer.done. */
  async done(chunk: number): Promise<void> {
    await this.#checkpointer.done(chunk);
  }

  /** As Checkpointer.saveRest. */
  async saveRest(): Promise<void> {
    await this.#checkpointer.saveRest();
  }

  /** Flushes, and records that all of the image is there. */
  async saveAll(sha512: string): Promise<void> {
    const end = chunkCount(this.#image.sizeBytes);
    this.#sha512.set(end, Promise.resolve(sha512));
    await this.#checkpointer.saveAll(end);
  }

  async #write(nextChunk: number): Promise<void> {
    const sha512 = (await this.#sha512.get(nextChunk)) ?? this.#kept.sha512;
    await writeIngestCheckpoint(this.#image, { ...this.#kept, nextChunk, sha512 });
    for (const below of this.#sha512.keys()) if (below < nextChunk) this.#sha512.delete(below);
  }
}
