import { Refusal } from '../../domain/refusal.ts';
import { decideEntry } from '../../image/entry.ts';
import type { Frame } from '../../transfer/frames.ts';
import { dataOfWhole } from '../../transfer/ingest.ts';
import { adoptImage } from '../imports/adopt.ts';
import { checkOf, KeptBytes } from '../imports/check.ts';
import { fetchImage } from '../imports/fetch.ts';
import { checkStaged, takeInFile } from '../imports/file.ts';
import { doneOf, ingestFrames } from '../imports/finish.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import { discardLeftover, isWorthKeeping } from './leftover.ts';
import type { TaskParts } from './parts.ts';

/**
 * Takes the bytes of an image in, from wherever they come. What stops it has what arrived in the store discarded,
 * unless the next attempt can go on with it; what lies in staging the hub has discarded when it will not be tried again.
 */
export async function ingestImage(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
): Promise<Done> {
  const { store, imports } = parts;
  const { imageId, taskId } = assignment;
  try {
    run.signal.throwIfAborted();
    // What is adopted may be whole before we have seen it.
    const isAdopted = assignment.work.source.from === 'pool';
    const known = isAdopted ? undefined : await dataOfWhole(store, imageId, taskId);
    const done = known === undefined ? await takeIn(parts, assignment, run) : doneOf(known, run.traffic);
    await imports.staging.discard(imageId);
    return done;
  } catch (error) {
    const goesOn = CHECKPOINTED.has(assignment.work.source.from);
    if (!goesOn || !isWorthKeeping(error, run.signal)) await discardLeftover(parts, imageId);
    throw error;
  }
}

/** Sources whose bytes come from afar, so that the store keeps how much of them is there. */
const CHECKPOINTED: ReadonlySet<IngestWork['source']['from']> = new Set(['upload', 'web']);

async function takeIn(parts: TaskParts, assignment: Assignment<IngestWork>, run: Run): Promise<Done> {
  const { source } = assignment.work;
  switch (source.from) {
    case 'upload':
      return await takeInUpload(parts, assignment, run);
    case 'staging':
      return await takeInStaged(parts, assignment, run);
    case 'web':
      return await fetchImage(parts, assignment, run, source.uri);
    case 'pool':
      return await adoptImage(parts, assignment, run, source);
  }
}

/** Whoever sends it compares what is here with its file, and sends what follows. */
async function takeInUpload(parts: TaskParts, assignment: Assignment<IngestWork>, run: Run): Promise<Done> {
  const { imports, hub } = parts;
  const { work } = assignment;
  await using check = await checkOf(work, imports);
  const intake = new KeptBytes(check, work, imports);
  return await ingestFrames(parts, assignment, run, {
    sizeBytes: work.sizeBytes,
    // With all of it here, nobody who has sent it has to come back.
    frames: (before) =>
      before.lengthBytes === work.sizeBytes
        ? endOf(work.sizeBytes)
        : hub.pullUpload(assignment, before, run.signal),
    intake,
    resume: { note: '' },
  });
}

async function* endOf(sizeBytes: number): AsyncGenerator<Frame> {
  yield { offset: sizeBytes, data: new Uint8Array(), last: true };
}

async function takeInStaged(parts: TaskParts, assignment: Assignment<IngestWork>, run: Run): Promise<Done> {
  const { imports } = parts;
  await using staged = await imports.staging.open(assignment.imageId);
  const { sizeBytes } = assignment.work;
  if (staged.sizeBytes !== sizeBytes) {
    throw new Refusal('NOT_FOUND', `of ${sizeBytes} bytes that were staged ${staged.sizeBytes} are here`, {
      hint: `\`entrepot image stage ${assignment.imageId} --file PATH\` sends them again`,
    });
  }
  const found = await checkStaged(parts, assignment, run, staged);
  const entry = decideEntry(found, assignment.work.declared, imports.rules);
  return await takeInFile(parts, assignment, run, staged, entry);
}
