import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { CHUNK_BYTES, chunkCount, chunkLength } from '../../../src/domain/chunk.ts';
import type { Store } from '../../../src/store/store.ts';
import { ChunkSlabs } from '../../../src/transfer/chunk-slabs.ts';
import type { ChunkRun, Frame, FrameSource } from '../../../src/transfer/frames.ts';
import type { IntakeCheck } from '../../../src/transfer/ingest.ts';
import { type Manifest, ManifestBuilder } from '../../../src/transfer/manifest.ts';
import type { Details } from '../../../src/transfer/metadata.ts';
import { framesOf, sendRuns } from '../../../src/transfer/sender.ts';
import { MemoryStore } from './memory-store.ts';

export const IMAGE_ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
export const BLOCK_BYTES = 64 * 1024;
const BLOCKS_PER_CHUNK = CHUNK_BYTES / BLOCK_BYTES;

/** A chunk is a hole, or data in a few of its 64 KiB blocks, or data all over. */
export type ChunkSketch = 'hole' | 'full' | readonly number[];

export interface Sketch {
  readonly chunks: readonly ChunkSketch[];
  /** What the last chunk lacks of a whole one. */
  readonly missingBytes: number;
}

export function sketches(minChunks: number, maxChunks: number): fc.Arbitrary<Sketch> {
  const blocks = fc.uniqueArray(fc.nat(BLOCKS_PER_CHUNK - 1), { minLength: 1, maxLength: 3 });
  const chunk: fc.Arbitrary<ChunkSketch> = fc.oneof(
    { weight: 3, arbitrary: fc.constant('hole' as const) },
    { weight: 6, arbitrary: blocks },
    { weight: 1, arbitrary: fc.constant('full' as const) },
  );
  return fc.record({
    chunks: fc.array(chunk, { minLength: minChunks, maxLength: maxChunks }),
    missingBytes: fc.oneof(fc.constant(0), fc.nat(CHUNK_BYTES - 1)),
  });
}

/** The image a sketch describes. Same sketch and seed, same bytes. */
export function draw({ chunks, missingBytes }: Sketch, seed = 1): Buffer {
  const bytes = Buffer.alloc(chunks.length * CHUNK_BYTES - missingBytes);
  for (const [index, chunk] of chunks.entries()) {
    if (chunk === 'hole') continue;
    const blocks = chunk === 'full' ? Array.from({ length: BLOCKS_PER_CHUNK }, (_, block) => block) : chunk;
    for (const block of blocks) {
      const start = index * CHUNK_BYTES + block * BLOCK_BYTES;
      bytes.fill(
        1 + ((seed * 31 + index * 7 + block) % 255),
        Math.min(start, bytes.length),
        Math.min(start + BLOCK_BYTES, bytes.length),
      );
    }
  }
  return bytes;
}

export function chunkOf(bytes: Buffer, chunk: number): Buffer {
  return bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
}

/** The manifest as the definition says, made in the plainest way. */
export function manifestOf(bytes: Buffer): Manifest {
  const builder = new ManifestBuilder(bytes.length);
  for (let chunk = 0; chunk < chunkCount(bytes.length); chunk++) {
    const content = chunkOf(bytes, chunk);
    if (!content.equals(Buffer.alloc(chunkLength(chunk, bytes.length)))) {
      builder.add(chunk, createHash('sha256').update(content).digest());
    }
  }
  return builder.build();
}

/** What is known of an image that came in, made in the plainest way. */
export function dataOf(bytes: Buffer) {
  const manifest = manifestOf(bytes);
  return {
    sizeBytes: bytes.length,
    virtualSizeBytes: bytes.length,
    dataBytes: manifest.dataBytes,
    checksum: createHash('md5').update(bytes).digest('hex'),
    osHashAlgo: 'sha512',
    osHashValue: createHash('sha512').update(bytes).digest('hex'),
    root: manifest.root,
  };
}

/** A store that holds these bytes as a whole image. */
export async function storeWith(bytes: Buffer): Promise<MemoryStore> {
  const store = new MemoryStore();
  const image = await store.openPartial(IMAGE_ID, bytes.length);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    if (!block.equals(Buffer.alloc(block.length))) await image.write(at, block);
  }
  await image[Symbol.asyncDispose]();
  await store.publish(IMAGE_ID);
  return store;
}

/** Serves a store's image through `sendRuns`, as an agent does, with a link that holds two frames. */
export class SendingSource implements FrameSource {
  width = 1;
  windowBytes = 0;
  /** Called with every frame before it is handed over; may change or refuse it. */
  onFrame: (frame: Frame) => Frame | Promise<Frame> = (frame) => frame;
  readonly sentChunks: number[] = [];
  readonly requests: (readonly ChunkRun[])[] = [];
  sentBytes = 0;
  active = 0;
  /** Pulls under way at once, at most. */
  mostActive = 0;
  readonly slabs = new ChunkSlabs();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async *pull(imageId: string, runs: readonly ChunkRun[], signal: AbortSignal): AsyncGenerator<Frame> {
    this.active++;
    this.mostActive = Math.max(this.mostActive, this.active);
    this.requests.push(runs);
    const stop = new AbortController();
    const link = new Link(2);
    const send = async () => {
      const image = await this.#store.openWhole(imageId);
      try {
        const either = AbortSignal.any([signal, stop.signal]);
        await sendRuns(image, runs, (frame) => link.put(frame), { slabs: this.slabs, signal: either });
      } finally {
        await image[Symbol.asyncDispose]();
        link.close();
      }
    };
    const sending = send();
    sending.catch(() => {});
    try {
      for (let frame = await link.take(); frame !== undefined; frame = await link.take()) {
        const handed = await this.onFrame(frame);
        const chunk = Math.floor(handed.offset / CHUNK_BYTES);
        if (this.sentChunks.at(-1) !== chunk) this.sentChunks.push(chunk);
        this.sentBytes += handed.data.length;
        yield handed;
      }
      await sending;
    } finally {
      stop.abort();
      await sending.catch(() => {});
      this.active--;
    }
  }
}

/** What is asked for, in the frames given. */
export function sourceOf(frames: Iterable<Frame> | AsyncIterable<Frame>): FrameSource {
  return {
    width: 1,
    windowBytes: 0,
    async *pull() {
      yield* frames;
    },
  };
}

/** All frames of an image as an upload sends them. */
export function* uploadOf(bytes: Buffer, { zeroChunks = false } = {}): Generator<Frame, void, void> {
  for (let chunk = 0; chunk < chunkCount(bytes.length); chunk++) {
    const content = chunkOf(bytes, chunk);
    const hole = content.equals(Buffer.alloc(content.length));
    if (!hole || zeroChunks) yield* framesOf(chunk * CHUNK_BYTES, content);
  }
  yield endOf(bytes.length);
}

export function endOf(sizeBytes: number): Frame {
  return { offset: sizeBytes, data: Buffer.alloc(0), last: true };
}

/** A bounded queue between one writer and one reader. */
class Link {
  readonly #capacity: number;
  readonly #frames: Frame[] = [];
  #closed = false;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async put(frame: Frame): Promise<void> {
    this.#frames.push(frame);
    this.#change();
    while (this.#frames.length > this.#capacity) await this.#changed.promise;
  }

  async take(): Promise<Frame | undefined> {
    while (this.#frames.length === 0 && !this.#closed) await this.#changed.promise;
    const frame = this.#frames.shift();
    this.#change();
    return frame;
  }

  close(): void {
    this.#closed = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Lets every byte pass. */
export function keepAll(details: Partial<Details> = {}): IntakeCheck {
  return {
    update: async () => {},
    skip: async () => {},
    settle: async () => ({ recordJson: '{}', formatJson: '{}', ...details }),
  };
}
