import type { RemoteFile } from '../../fetch/http-source.ts';
import { type FileVersion, parseVersion } from '../../fetch/version.ts';
import { decideEntry, isOpaque } from '../../image/entry.ts';
import { Inspector } from '../../image/inspect/inspector.ts';
import type { SourceCheck } from '../../image/source-check.ts';
import type { StagedFile } from '../../staging/staged-file.ts';
import { framesOfBytes } from '../../transfer/chunk-frames.ts';
import { keptIngest } from '../../transfer/ingest-checkpoint.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from '../tasks/parts.ts';
import { checkOf, KeptBytes } from './check.ts';
import { takeInFile } from './file.ts';
import { ingestFrames, progressIn } from './finish.ts';
import { keptBytesOf, StagedProgress } from './staged-progress.ts';

/** Enough for every format to be known by. */
const PEEK_BYTES = 512 * 1024;

/** What is kept of a version lies beside the image. A server whose ETag is longer than that is not gone on with. */
const MAX_NOTE_CHARACTERS = 4096;

/** A file at a web server, of which the first bytes may be here already. */
interface WebFile {
  readonly version: FileVersion;
  /** To be called once. */
  readonly bytesFrom: (fromByte: number) => AsyncIterable<Buffer>;
}

/**
 * Brings in a file from a web server. What is raw goes straight into the store, holes left out; anything else is
 * put beside the store once, and taken in from there. Goes on with what an attempt of the task before this one has kept,
 * as long as the server has the same version of the file.
 */
export async function fetchImage(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  uri: string,
): Promise<Done> {
  const { store, imports } = parts;
  const { imageId, taskId } = assignment;
  const rest = (version: FileVersion): WebFile => ({
    version,
    bytesFrom: (fromByte) => restOf(parts, run, uri, version, fromByte),
  });
  const staged = await imports.staging.kept(imageId, taskId);
  const stagedVersion = parseVersion(staged?.note ?? '');
  if (stagedVersion !== undefined) return await viaStaging(parts, assignment, run, rest(stagedVersion));
  // Lists the pool: not for a first attempt, which can have left nothing.
  const stored = assignment.attempt > 1 ? await keptIngest(store, imageId, taskId) : undefined;
  const storedVersion = stored && stored.nextByte > 0 ? parseVersion(stored.note) : undefined;
  if (storedVersion?.sizeBytes !== undefined)
    return await straightIn(parts, assignment, run, rest(storedVersion));
  return await fetchAnew(parts, assignment, run, uri);
}

async function fetchAnew(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  uri: string,
): Promise<Done> {
  const { store, imports, onFetchRetry } = parts;
  const { imageId, work } = assignment;
  // Whatever lies there, no byte of it is to come together with those of this reading.
  await imports.staging.discard(imageId);
  await store.discard(imageId);
  run.onProgress(progressIn('fetching', 0, 0));
  using file = await imports.web.open(uri, { signal: run.signal, onRetry: onFetchRetry });
  const { first, all } = await peek(file);
  const isStraight = file.sizeBytes !== undefined && goesStraightIn(first, work, parts);
  const whole: WebFile = { version: file.version, bytesFrom: () => all };
  return await (isStraight ? straightIn : viaStaging)(parts, assignment, run, whole);
}

/** Connects when the first byte is asked for; not at all when none is missing. */
async function* restOf(
  { imports, onFetchRetry }: TaskParts,
  { signal }: Run,
  uri: string,
  version: FileVersion,
  fromByte: number,
): AsyncGenerator<Buffer> {
  if (fromByte === version.sizeBytes) return;
  using file = await imports.web.open(uri, { signal, resume: { fromByte, version }, onRetry: onFetchRetry });
  yield* file.bytes;
}

async function straightIn(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  { version, bytesFrom }: WebFile,
): Promise<Done> {
  const { sizeBytes = 0 } = version;
  const note = noteOf(version);
  await using check = await checkOf(assignment.work, parts.imports);
  return await ingestFrames(parts, assignment, run, {
    sizeBytes,
    frames: ({ lengthBytes }) => framesOfBytes(bytesFrom(lengthBytes), lengthBytes),
    intake: new KeptBytes(check, assignment.work, parts.imports),
    ...(note !== undefined && { resume: { note } }),
  });
}

async function viaStaging(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  web: WebFile,
): Promise<Done> {
  const { imports } = parts;
  const { imageId, taskId, work } = assignment;
  const { sizeBytes } = web.version;
  await using file = await imports.staging.open(imageId, {
    taskId,
    ...(sizeBytes !== undefined && { expectBytes: sizeBytes }),
  });
  const progress = new StagedProgress({ file, taskId, note: noteOf(web.version), unitBytes: 1 });
  try {
    await using check = await checkOf(work, imports);
    const doneBytes = await bring(file, check, progress, run, web);
    const found = await check.end();
    // All of it is good for another attempt whatever the server would say of it.
    const whole: FileVersion = { sizeBytes: doneBytes };
    await progress.whole(doneBytes, JSON.stringify(whole));
    const entry = decideEntry(found, work.declared, imports.rules);
    return await takeInFile(parts, assignment, run, file, entry);
  } catch (error) {
    await progress.failed(error, run.signal, parts);
    throw error;
  }
}

/** For the next attempt. Undefined when it could not go on. */
function noteOf(version: FileVersion): string | undefined {
  const note = JSON.stringify(version);
  return version.validator === undefined || note.length > MAX_NOTE_CHARACTERS ? undefined : note;
}

/** What is there already, and what is missing. How many bytes it is together. */
async function bring(
  file: StagedFile,
  check: SourceCheck,
  progress: StagedProgress,
  { signal, onProgress, traffic }: Run,
  { version: { sizeBytes = 0 }, bytesFrom }: WebFile,
): Promise<number> {
  let doneBytes = 0;
  for await (const bytes of keptBytesOf(file, signal)) {
    await check.update(bytes);
    doneBytes += bytes.length;
    onProgress({ ...progressIn('preparing', doneBytes, sizeBytes), resumedBytes: doneBytes });
  }
  const resumedBytes = doneBytes;
  traffic.resumedBytes = resumedBytes;
  const tell = () => onProgress({ ...progressIn('fetching', doneBytes, sizeBytes), resumedBytes });
  tell();
  for await (const bytes of bytesFrom(resumedBytes)) {
    signal.throwIfAborted();
    await Promise.all([check.update(bytes), file.write(doneBytes, bytes)]);
    doneBytes += bytes.length;
    traffic.receivedBytes += bytes.length;
    traffic.wireBytes += bytes.length;
    await progress.reached(doneBytes);
    tell();
  }
  return doneBytes;
}

/**
 * Whether what these bytes are the beginning of is kept as it comes. INVALID when it is not what it was declared to be;
 * of what looks raw only the end tells.
 */
function goesStraightIn(first: Buffer, { declared }: IngestWork, { imports }: TaskParts): boolean {
  if (isOpaque(declared.containerFormat)) return true;
  const inspector = new Inspector(imports.rules.inspection);
  inspector.write(first);
  const { format } = inspector;
  if (format === undefined) return false;
  if (format === 'raw' && declared.diskFormat === 'vhd') return false;
  const found = { ok: true, format, virtualSizeBytes: 1, variant: undefined, properties: {} } as const;
  return decideEntry(found, declared, imports.rules).do === 'keep';
}

/** The first bytes, and all of them, the first ones included; to be iterated once. */
async function peek(
  file: RemoteFile,
): Promise<{ readonly first: Buffer; readonly all: AsyncIterable<Buffer> }> {
  const stream = file.bytes[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let peekedBytes = 0;
  let isOver = false;
  while (peekedBytes < PEEK_BYTES && !isOver) {
    const next = await stream.next();
    isOver = next.done === true;
    if (next.done) break;
    pieces.push(next.value);
    peekedBytes += next.value.length;
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield* pieces;
    while (!isOver) {
      const next = await stream.next();
      if (next.done) return;
      yield next.value;
    }
  }
  return { first: Buffer.concat(pieces), all: all() };
}
