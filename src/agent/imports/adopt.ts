import { CHUNK_BYTES, chunkLength } from '../../domain/chunk.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireKept } from '../../image/entry.ts';
import { onlyByCopying } from '../../store/adoption.ts';
import type { ReadableImage, Store } from '../../store/store.ts';
import { chunkFrames } from '../../transfer/chunk-frames.ts';
import { imageDataOf } from '../../transfer/content-digest.ts';
import type { Frame } from '../../transfer/frames.ts';
import { dataOfWhole } from '../../transfer/ingest.ts';
import { detailsText, METADATA } from '../../transfer/metadata.ts';
import { closing } from '../../transfer/open.ts';
import { chunksWithData } from '../../transfer/survey.ts';
import type { AdoptSource, Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from '../tasks/parts.ts';
import { checkOf, detailsOf, KeptBytes } from './check.ts';
import { survey } from './convert.ts';
import { doneOf, ingestFrames, progressIn } from './finish.ts';
import { requireRaw } from './raw-result.ts';

/**
 * Makes an image that somebody else has put into the cluster one of ours: where it lies when it can be, else by
 * copying it. Nothing of it is ever removed: what is stopped in the middle is, at worst, renamed and has its
 * snapshot, and the next attempt goes on from there.
 */
export async function adoptImage(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  source: AdoptSource,
): Promise<Done> {
  const { store } = parts;
  const { imageId, taskId } = assignment;
  const state = await stateOf(store, imageId, taskId, source);
  if (state !== 'other') {
    if (state !== 'adopted') return doneOf(state, run.traffic);
    return await describe(parts, assignment, run);
  }
  const found = await store.adoption.examine(source, run.signal);
  const obstacle = onlyByCopying(source, found, imageId, source.move);
  if (obstacle !== undefined && source.move) throw obstacle;
  if (obstacle !== undefined) return await copyIn(parts, assignment, run, source);
  // Before anything is changed.
  const image = await store.adoption.open(source);
  await closing(image, () => requireRaw(image, parts, run.signal));
  run.signal.throwIfAborted();
  await store.adoption.adopt(source, imageId, { move: source.move });
  return await describe(parts, assignment, run);
}

/** Its digests, of what lies there; then what belongs beside it. */
async function describe(parts: TaskParts, assignment: Assignment<IngestWork>, run: Run): Promise<Done> {
  const { store, hub, imports } = parts;
  const { imageId, taskId, work } = assignment;
  const image = await store.openWhole(imageId);
  await using check = await checkOf(work, imports);
  const content = await closing(image, () => survey(image, parts, run, check));
  const { format, virtualSizeBytes } = requireKept(await check.end(), work.declared, imports.rules);
  run.onProgress(progressIn('publishing', image.sizeBytes, image.sizeBytes));
  await hub.putManifest(content.manifest.root, content.manifest.encode(), run.signal);
  const data = imageDataOf(content);
  const details = detailsOf(work.recordJson, format, virtualSizeBytes);
  const texts = detailsText({ imageId, taskId, data, details });
  await store.adoption.describe(imageId, { ...texts, [METADATA.adopted]: 'yes' });
  return doneOf({ data, formatJson: details.formatJson }, run.traffic);
}

/** For what lies in another pool, is a clone, or keeps its name. */
async function copyIn(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  source: AdoptSource,
): Promise<Done> {
  const { store, imports } = parts;
  const image = await store.adoption.open(source);
  return await closing(image, async () => {
    await using check = await checkOf(assignment.work, imports);
    const kept = new KeptBytes(check, assignment.work, imports);
    const intake = {
      update: kept.update.bind(kept),
      skip: kept.skip.bind(kept),
      // Whoever began to write to it meanwhile has changed what was read.
      settle: async () => {
        const { openAt, hasSnap } = await store.adoption.examine(source, run.signal);
        if (openAt.length > 0 && !hasSnap) throw changed(source, openAt);
        return await kept.settle();
      },
    };
    const { sizeBytes } = image;
    const frames = () => framesOfImage(image, run.signal);
    return await ingestFrames(parts, assignment, run, { sizeBytes, frames, intake });
  });
}

/** What an earlier attempt has done: all of it, or up to the name. Also one of a job that was taken back. */
async function stateOf(store: Store, imageId: string, taskId: string, source: AdoptSource) {
  const image = await store.openWhole(imageId).catch((error: unknown) => {
    if (Refusal.from(error).code === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (image === undefined) return 'other';
  const { root, task, isOurs } = await closing(image, async () => ({
    root: await image.metadata(METADATA.root),
    task: await image.metadata(METADATA.task),
    isOurs: (await image.metadata(METADATA.adopted)) === undefined,
  }));
  if (root === undefined) return 'adopted';
  if (task !== taskId && !isOurs && source.image === imageId) return 'adopted';
  return (await dataOfWhole(store, imageId, taskId)) ?? 'other';
}

async function* framesOfImage(image: ReadableImage, signal: AbortSignal): AsyncGenerator<Frame> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for await (const chunk of chunksWithData(image, signal)) {
    const bytes = buffer.subarray(0, chunkLength(chunk, image.sizeBytes));
    await image.read(chunk * CHUNK_BYTES, bytes);
    yield* chunkFrames(chunk * CHUNK_BYTES, bytes);
  }
  yield { offset: image.sizeBytes, data: new Uint8Array(), last: true };
}

function changed({ pool, image }: AdoptSource, openAt: readonly string[]): Refusal {
  return new Refusal(
    'IN_USE',
    `image ${pool}/${image} was opened for writing while it was read (${openAt.join(', ')})`,
    {
      hint: 'stop whatever writes to it, or make a snapshot `snap` of it first',
    },
  );
}
