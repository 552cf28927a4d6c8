import { CHUNK_BYTES } from '../../domain/chunk.ts';
import { Refusal } from '../../domain/refusal.ts';
import { zeroPieces } from '../../image/digests.ts';
import { isOpaque } from '../../image/entry.ts';
import { OrderedHash } from '../../image/ordered-hash.ts';
import { SourceCheck } from '../../image/source-check.ts';
import type { StagedFile } from '../../staging/staged-file.ts';
import { releaseFrame } from '../../transfer/frame-codec.ts';
import type { BytesBefore } from '../../transfer/ingest-checkpoint.ts';
import { progressIn } from '../imports/finish.ts';
import { keptBytesOf, StagedProgress } from '../imports/staged-progress.ts';
import type { Assignment, StageWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from './parts.ts';

/**
 * Puts the bytes of an upload beside the store, a file of any format. It is looked at on the way, so that what may
 * not come in is refused while its first bytes come; what it is declared to be is held against it at its import.
 * Goes on with what an attempt before has kept. Whatever stops it, what has come is kept for the next one where that
 * helps, else discarded.
 */
export async function stageFile(
  parts: TaskParts,
  assignment: Assignment<StageWork>,
  run: Run,
): Promise<Done> {
  const { imageId, taskId, work } = assignment;
  const { sizeBytes, declared } = work;
  const { staging, rules } = parts.imports;
  await using file = await staging.open(imageId, { expectBytes: sizeBytes, taskId });
  await using check = new SourceCheck({
    inspection: isOpaque(declared.containerFormat) ? undefined : rules.inspection,
    expected: {},
  });
  await using hash = new OrderedHash('sha512');
  const progress = new StagedProgress({ file, taskId, note: '', unitBytes: CHUNK_BYTES });
  try {
    const before = await hearKept(file, { check, hash }, sizeBytes, run);
    await takeFrames(parts, assignment, run, { file, check, hash, progress, before });
    await check.end();
    const sha512 = await digestOf(hash);
    // The hub may not hear of the end.
    await progress.whole(sizeBytes, '');
    return { outcome: { kind: 'staged', sizeBytes, sha512 }, traffic: run.traffic };
  } catch (error) {
    await progress.failed(error, run.signal, parts);
    throw error;
  }
}

/** Who hears of all bytes, in their order. */
interface Listeners {
  readonly check: SourceCheck;
  readonly hash: OrderedHash;
}

/** What is there already, looked at like what is still to come. */
async function hearKept(
  file: StagedFile,
  listeners: Listeners,
  sizeBytes: number,
  { signal, onProgress, traffic }: Run,
): Promise<BytesBefore> {
  let heardBytes = 0;
  for await (const bytes of keptBytesOf(file, signal)) {
    await hear(listeners, bytes);
    heardBytes += bytes.length;
    onProgress({ ...progressIn('preparing', heardBytes, sizeBytes), resumedBytes: heardBytes });
  }
  traffic.resumedBytes = heardBytes;
  return { lengthBytes: heardBytes, sha512: await digestOf(listeners.hash) };
}

async function hear({ check, hash }: Listeners, bytes: Uint8Array): Promise<void> {
  await Promise.all([check.update(bytes), hash.update(bytes)]);
}

async function hearZeros(listeners: Listeners, lengthBytes: number, signal: AbortSignal): Promise<void> {
  for (const piece of zeroPieces(lengthBytes)) {
    signal.throwIfAborted();
    await hear(listeners, piece);
  }
}

/** Of what was heard so far, in hexadecimal. */
async function digestOf(hash: OrderedHash): Promise<string> {
  return (await hash.soFar()).toString('hex');
}

interface Arrival extends Listeners {
  readonly file: StagedFile;
  readonly progress: StagedProgress;
  readonly before: BytesBefore;
}

async function takeFrames(
  { hub }: TaskParts,
  assignment: Assignment<StageWork>,
  { signal, onProgress, traffic }: Run,
  { file, progress, before, ...listeners }: Arrival,
): Promise<void> {
  const { sizeBytes } = assignment.work;
  const resumedBytes = before.lengthBytes;
  let position = resumedBytes;
  let isEnded = false;
  const tell = () => onProgress({ ...progressIn('staging', position, sizeBytes), resumedBytes });
  tell();
  for await (const frame of hub.pullUpload(assignment, before, signal)) {
    const { offset, data } = frame;
    if (isEnded || offset < position || offset + data.length > sizeBytes) {
      throw new Refusal('INVALID', `a frame at ${offset} does not follow on the ${position} bytes before it`);
    }
    await hearZeros(listeners, offset - position, signal);
    await Promise.all([hear(listeners, data), file.write(offset, data)]);
    position = offset + data.length;
    traffic.receivedBytes += data.length;
    traffic.wireBytes += data.length;
    traffic.holeBytes = position - resumedBytes - traffic.receivedBytes;
    isEnded = data.length === 0 && offset === sizeBytes;
    releaseFrame(frame);
    await progress.reached(position);
    tell();
  }
  signal.throwIfAborted();
  if (!isEnded) throw new Refusal('INVALID', `the upload ended after ${position} of ${sizeBytes} bytes`);
}
