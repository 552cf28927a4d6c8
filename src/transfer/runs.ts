import { chunkCount } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { type ChunkRun, RUNS_PER_REQUEST } from './frames.ts';
import type { Manifest } from './manifest.ts';

/** INVALID unless the runs are few enough, rising, not overlapping, and inside an image of `sizeBytes`. */
export function checkRuns(runs: readonly ChunkRun[], sizeBytes: number): void {
  if (runs.length > RUNS_PER_REQUEST) {
    throw new Refusal(
      'INVALID',
      `${runs.length} runs asked for at once, at most ${RUNS_PER_REQUEST} are served`,
    );
  }
  const chunks = chunkCount(sizeBytes);
  let end = 0;
  for (const { firstChunk, chunkCount: count } of runs) {
    const sound = Number.isSafeInteger(firstChunk) && Number.isSafeInteger(count) && count > 0;
    if (!sound || firstChunk < end) {
      throw new Refusal(
        'INVALID',
        `the run of ${count} chunks from ${firstChunk} on does not come after chunk ${end - 1}`,
      );
    }
    end = firstChunk + count;
    if (end > chunks) {
      throw new Refusal('INVALID', `chunk ${end - 1} was asked for of an image of ${chunks} chunks`);
    }
  }
}

export function* chunksOf(runs: Iterable<ChunkRun>): Generator<number, void, void> {
  for (const { firstChunk, chunkCount: count } of runs) {
    for (let chunk = firstChunk; chunk < firstChunk + count; chunk++) yield chunk;
  }
}

/** Rising chunk indexes as runs. */
export function runsOf(chunks: Iterable<number>): ChunkRun[] {
  const runs: { firstChunk: number; chunkCount: number }[] = [];
  for (const chunk of chunks) {
    const run = runs.at(-1);
    if (run !== undefined && run.firstChunk + run.chunkCount === chunk) run.chunkCount++;
    else runs.push({ firstChunk: chunk, chunkCount: 1 });
  }
  return runs;
}

/** The data chunks from `fromChunk` on, as many runs at a time as one request may have. */
export function* dataRequests(manifest: Manifest, fromChunk = 0): Generator<ChunkRun[], void, void> {
  for (let next = fromChunk; ; ) {
    const runs = manifest.dataRuns(next, RUNS_PER_REQUEST);
    const last = runs.at(-1);
    if (last === undefined) return;
    yield runs;
    next = last.firstChunk + last.chunkCount;
  }
}

export function* dataChunks(manifest: Manifest): Generator<number, void, void> {
  for (const runs of dataRequests(manifest)) yield* chunksOf(runs);
}
