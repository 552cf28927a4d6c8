import { afterAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import type { Progress } from '../../../src/domain/job.ts';
import { DigestPool } from '../../../src/image/digests.ts';
import { FRAME_BYTES } from '../../../src/transfer/frames.ts';
import { ingest } from '../../../src/transfer/ingest.ts';
import { receiveCopy } from '../../../src/transfer/receiver.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';
import { MemoryStore } from './memory-store.ts';
import { draw, IMAGE_ID, keepAll, manifestOf, SendingSource, storeWith, uploadOf } from './samples.ts';

const digests = new DigestPool({ threads: 1 });
afterAll(() => digests[Symbol.asyncDispose]());

const BYTES = draw({ chunks: ['full', 'hole', 'full'], missingBytes: 0 });

function bench() {
  const progress: Progress[] = [];
  const options = {
    store: new MemoryStore(),
    imageId: IMAGE_ID,
    recordJson: '{}',
    digests,
    slabs: new SlabPool(5),
    onProgress: (now: Progress) => void progress.push(now),
    signal: new AbortController().signal,
  };
  return { progress, options };
}

/** Every frame is told of as it comes: over a slow link a chunk takes long. */
function expectEveryFrame(progress: readonly Progress[]): void {
  const came = new Set(progress.map(({ receivedBytes }) => receivedBytes));
  for (let bytes = 0; bytes <= 2 * CHUNK_BYTES; bytes += FRAME_BYTES) expect(came).toContain(bytes);
  const sums = progress.map(({ receivedBytes }) => receivedBytes);
  expect(sums.toSorted((one, other) => one - other)).toEqual(sums);
}

test('a copy tells of every frame, before its chunk is whole', async () => {
  const { progress, options } = bench();
  const source = new SendingSource(await storeWith(BYTES));
  await receiveCopy({ ...options, manifest: manifestOf(BYTES), source });
  expectEveryFrame(progress);
  const first = progress.find(({ receivedBytes }) => receivedBytes === FRAME_BYTES);
  expect(first).toMatchObject({ phase: 'transferring', doneBytes: 0, wireBytes: FRAME_BYTES });
});

test('so does an upload', async () => {
  const { progress, options } = bench();
  await ingest({
    ...options,
    intake: keepAll(),
    taskId: 'task-1',
    sizeBytes: BYTES.length,
    frames: () => asynchronous(uploadOf(BYTES)),
    keepManifest: async () => {},
  });
  expectEveryFrame(progress);
});

async function* asynchronous<T>(values: Iterable<T>): AsyncGenerator<T, void, void> {
  yield* values;
}
