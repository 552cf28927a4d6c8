import { CHUNK_BYTES, chunkCount } from '../domain/chunk.ts';
import type { ReadableImage } from '../store/store.ts';
import { frameOf } from './frame-codec.ts';
import { type ChunkRun, type Frame, RUNS_PER_REQUEST } from './frames.ts';
import { throwIfAborted, unlessAborted } from './in-flight.ts';
import { type SendOptions, sendRuns } from './sender.ts';
import { chunksOver } from './verify.ts';

/** Extents are asked for so much of the image at a time. */
const WINDOW_CHUNKS = 256;

/** Runs of the chunks that may hold data, in rising order. A run is not joined across 1 GiB of the image. */
export async function* dataRunsOf(image: ReadableImage): AsyncGenerator<ChunkRun, void, void> {
  const chunks = chunkCount(image.sizeBytes);
  for (let first = 0; first < chunks; first += WINDOW_CHUNKS) {
    const offset = first * CHUNK_BYTES;
    const length = Math.min(WINDOW_CHUNKS * CHUNK_BYTES, image.sizeBytes - offset);
    let run: ChunkRun | undefined;
    for (const extent of await image.extents(offset, length)) {
      const next = chunksOver(extent);
      const end = next.firstChunk + next.chunkCount;
      if (run !== undefined && next.firstChunk <= run.firstChunk + run.chunkCount) {
        run = { firstChunk: run.firstChunk, chunkCount: end - run.firstChunk };
      } else {
        if (run !== undefined) yield run;
        run = next;
      }
    }
    if (run !== undefined) yield run;
  }
}

/** All of an image, as an upload or a download sends it and `ingest` takes it: its data, then the frame that ends it. */
export async function sendImage(
  image: ReadableImage,
  write: (frame: Frame) => Promise<void>,
  options: SendOptions,
): Promise<void> {
  const { signal } = options;
  let runs: ChunkRun[] = [];
  for await (const run of dataRunsOf(image)) {
    throwIfAborted(signal);
    runs.push(run);
    if (runs.length < RUNS_PER_REQUEST) continue;
    await sendRuns(image, runs, write, options);
    runs = [];
  }
  await sendRuns(image, runs, write, options);
  throwIfAborted(signal);
  await unlessAborted(write(frameOf(image.sizeBytes, Buffer.alloc(0), true)), signal);
}
