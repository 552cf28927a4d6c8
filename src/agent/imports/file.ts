import { createReadStream } from 'node:fs';
import { decompress } from '../../image/decompress/decompress.ts';
import { decideInner, type Entry } from '../../image/entry.ts';
import type { Compression } from '../../image/inspect/verdict.ts';
import { SourceCheck } from '../../image/source-check.ts';
import type { StagedFile } from '../../staging/staged-file.ts';
import type { StagedPart } from '../../staging/staged-part.ts';
import { framesOfBytes } from '../../transfer/chunk-frames.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from '../tasks/parts.ts';
import { checkOf, detailsOf, knownBytes } from './check.ts';
import { convertFile } from './convert.ts';
import { ingestFrames, progressIn } from './finish.ts';

/** Of a file, at a time. */
const READ_BYTES = 1024 * 1024;

/** A whole file beside the store. */
interface WholeFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Looks at a staged file from its first byte to its last, and says what is to become of it. */
export async function checkStaged(
  { imports }: TaskParts,
  { work }: Assignment<IngestWork>,
  { signal, onProgress }: Run,
  file: WholeFile,
): Promise<Awaited<ReturnType<SourceCheck['end']>>> {
  await using check = await checkOf(work, imports);
  let doneBytes = 0;
  for await (const bytes of bytesOf(file)) {
    signal.throwIfAborted();
    await check.update(bytes);
    doneBytes += bytes.length;
    onProgress(progressIn('hashing', doneBytes, file.sizeBytes));
  }
  return await check.end();
}

/** Takes a staged file in that was looked at: as it is, unpacked, or converted. */
export async function takeInFile(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  staged: StagedFile,
  decided: Entry,
): Promise<Done> {
  if (decided.do !== 'decompress') return await takeInWhole(parts, assignment, run, staged, decided);
  // Of an attempt before this one.
  const inflated = await staged.inflated();
  await inflated.restart();
  const entry = await inflate(parts, assignment, run, { from: staged, to: inflated, ...decided });
  return await takeInWhole(parts, assignment, run, inflated, entry);
}

async function takeInWhole(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  file: WholeFile,
  entry: Exclude<Entry, { do: 'decompress' }>,
): Promise<Done> {
  const { recordJson } = assignment.work;
  if (entry.do === 'convert') return await convertFile(parts, assignment, run, file, entry);
  const intake = knownBytes(detailsOf(recordJson, entry.format, entry.virtualSizeBytes));
  const frames = () => framesOfBytes(bytesOf(file));
  return await ingestFrames(parts, assignment, run, { sizeBytes: file.sizeBytes, frames, intake });
}

/** Unpacks a file beside itself, looking at what comes out. */
async function inflate(
  { imports }: TaskParts,
  { work }: Assignment<IngestWork>,
  { signal, onProgress }: Run,
  { from, to, compression }: { from: WholeFile; to: StagedPart; compression: Compression },
): Promise<Exclude<Entry, { do: 'decompress' }>> {
  const { rules, growth, confinement } = imports;
  await using check = new SourceCheck({ inspection: rules.inspection, expected: {} });
  let offset = 0;
  await decompress({
    source: from.path,
    compression,
    limits: growth,
    confinement,
    signal,
    write: async (bytes) => {
      await Promise.all([check.update(bytes), to.write(offset, bytes)]);
      offset += bytes.length;
    },
    onProgress: ({ readBytes }) => onProgress(progressIn('decompressing', readBytes, from.sizeBytes)),
  });
  const found = await check.end();
  await to.flush();
  return decideInner(found, work.declared, rules);
}

function bytesOf({ path }: WholeFile): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: READ_BYTES });
}
