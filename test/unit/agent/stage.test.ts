import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LiveTicket } from '../../../src/agent/live-ticket.ts';
import type { Assignment, Outcome, StageWork } from '../../../src/agent/messages.ts';
import type { TaskParts } from '../../../src/agent/tasks/parts.ts';
import { stageFile } from '../../../src/agent/tasks/stage.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { NO_TRAFFIC, type Progress } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { Staging } from '../../../src/staging/staging.ts';
import { framesOfBytes } from '../../../src/transfer/chunk-frames.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import type { BytesBefore } from '../../../src/transfer/ingest-checkpoint.ts';
import { importsIn } from './imports-in.ts';

const MIB = 1024 ** 2;
const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const away = new Refusal('UNAVAILABLE', 'the operator went away');

/** Chunks of data, one of zeros among them, and less than one at the end. */
const bytes = Buffer.concat([randomBytes(5 * MIB), Buffer.alloc(8 * MIB), randomBytes(9 * MIB + 1000)]);

let above: string;
let staging: Staging;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'entrepot-stage-'));
  staging = await started('staging');
});

afterEach(async () => {
  await staging[Symbol.asyncDispose]();
  await rm(above, { recursive: true });
});

async function started(name: string): Promise<Staging> {
  const staging = new Staging({ folder: join(above, name), quotaBytes: 1024 * MIB });
  await staging.start();
  return staging;
}

const sha512 = (data: Uint8Array) => createHash('sha512').update(data).digest('hex');

/** The frames of a file from where they are asked for. */
async function* framesFrom(file: Buffer, fromByte: number): AsyncGenerator<Frame> {
  async function* rest() {
    yield file.subarray(fromByte);
  }
  yield* framesOfBytes(rest(), fromByte);
}

interface Tried {
  readonly before: BytesBefore;
  readonly progress: Progress[];
  readonly traffic: { resumedBytes: number; receivedBytes: number; holeBytes: number };
  readonly failure: Refusal | undefined;
  /** As it is told to the hub. */
  readonly outcome: Outcome | undefined;
}

interface Attempt {
  readonly file?: Buffer;
  readonly taskId?: string;
  readonly signal?: AbortSignal;
  /** Called before each frame; what it throws ends the upload. */
  readonly onFrame?: (frame: Frame) => void | Promise<void>;
}

/** An attempt to stage `bytes`. */
async function attempt({ file = bytes, taskId = 'stage-1', signal, onFrame }: Attempt): Promise<Tried> {
  let before: BytesBefore = { lengthBytes: -1, sha512: '' };
  const progress: Progress[] = [];
  const traffic = { ...NO_TRAFFIC };
  const hub = {
    async *pullUpload(_key: unknown, had: BytesBefore) {
      before = had;
      for await (const frame of framesFrom(file, had.lengthBytes)) {
        await onFrame?.(frame);
        yield frame;
      }
    },
  };
  const parts = { imports: { ...importsIn(above), staging }, hub } as unknown as TaskParts;
  const work: StageWork = {
    kind: 'stage',
    sizeBytes: file.length,
    declared: { diskFormat: 'raw', containerFormat: 'bare' },
  };
  const assignment: Assignment<StageWork> = {
    taskId,
    attempt: 1,
    jobId: 'job-1',
    imageId: IMAGE,
    requestId: '',
    work,
  };
  const run = {
    signal: signal ?? new AbortController().signal,
    ticket: new LiveTicket(''),
    traffic,
    onProgress: (told: Progress) => void progress.push(told),
  };
  const { outcome, failure } = await stageFile(parts, assignment, run).then(
    (done) => ({ outcome: done.outcome, failure: undefined }),
    (error: unknown) => ({ outcome: undefined, failure: Refusal.from(error) }),
  );
  return { before, progress, traffic, failure, outcome };
}

/** Until `offset` has been passed. */
const breaksAfter = (offset: number, failure: unknown = away) => {
  return (frame: Frame) => {
    if (frame.offset >= offset) throw failure;
  };
};

const dataOf = (folder: string) => readFile(join(above, folder, IMAGE, 'data'));

it('goes on with the whole chunks that came, and says what they hash to', async () => {
  const broken = await attempt({ onFrame: breaksAfter(18 * MIB) });
  expect(broken.failure).toMatchObject({ code: 'UNAVAILABLE' });
  expect(broken.before).toEqual({ lengthBytes: 0, sha512: sha512(Buffer.alloc(0)) });
  const kept = bytes.subarray(0, 4 * CHUNK_BYTES);

  const { before, failure, traffic, progress, outcome } = await attempt({});
  expect(failure).toBeUndefined();
  expect(outcome).toEqual({ kind: 'staged', sizeBytes: bytes.length, sha512: sha512(bytes) });
  expect(before).toEqual({ lengthBytes: kept.length, sha512: sha512(kept) });
  expect((await dataOf('staging')).equals(bytes)).toBe(true);
  expect(traffic).toMatchObject({
    resumedBytes: kept.length,
    receivedBytes: bytes.length - kept.length,
    holeBytes: 0,
  });
  const staged = progress.filter(({ phase }) => phase === 'staging');
  expect(staged[0]).toMatchObject({ doneBytes: kept.length, resumedBytes: kept.length });
  expect(staged.at(-1)).toMatchObject({ doneBytes: bytes.length, totalBytes: bytes.length });
});

it('keeps zeros, and what comes after a second break', async () => {
  expect((await attempt({ onFrame: breaksAfter(13 * MIB) })).failure).toBe(away);
  const second = await attempt({ onFrame: breaksAfter(17 * MIB) });
  expect(second.before).toEqual({ lengthBytes: 8 * MIB, sha512: sha512(bytes.subarray(0, 8 * MIB)) });
  const third = await attempt({});
  expect(third.before).toEqual({ lengthBytes: 16 * MIB, sha512: sha512(bytes.subarray(0, 16 * MIB)) });
  expect((await dataOf('staging')).equals(bytes)).toBe(true);
});

it('of which all is there asks for the end alone', async () => {
  const whole = { kind: 'staged', sizeBytes: bytes.length, sha512: sha512(bytes) };
  expect((await attempt({})).outcome).toEqual(whole);
  const asked: Frame[] = [];
  const again = await attempt({ onFrame: (frame) => void asked.push(frame) });
  expect(again.before).toEqual({ lengthBytes: bytes.length, sha512: sha512(bytes) });
  expect(asked).toMatchObject([{ offset: bytes.length, last: true }]);
  expect(again.outcome).toEqual(whole);
  expect((await dataOf('staging')).equals(bytes)).toBe(true);
});

it('goes on with nothing of another task', async () => {
  await attempt({ onFrame: breaksAfter(18 * MIB) });
  const other = randomBytes(5 * MIB);
  const { before } = await attempt({ file: other, taskId: 'stage-2' });
  expect(before.lengthBytes).toBe(0);
  expect((await dataOf('staging')).equals(other)).toBe(true);
});

it.each<[string, Refusal, boolean]>([
  ['the agent is stopping', new Refusal('UNAVAILABLE', 'stopping'), true],
  ['another attempt takes its place', new Refusal('CONFLICT', 'replaced by attempt 2'), true],
  ['it was cancelled', new Refusal('CANCELLED', 'cancelled at the hub'), false],
])('is kept, unless nobody wants it any more: %s', async (_, reason, isKept) => {
  const abort = new AbortController();
  const onFrame = ({ offset }: Frame) => {
    if (offset < 18 * MIB) return;
    abort.abort(reason);
    throw new Refusal('CANCELLED', 'the call was ended');
  };
  await attempt({ signal: abort.signal, onFrame });
  expect((await attempt({})).before.lengthBytes).toBe(isKept ? 16 * MIB : 0);
});

it('leaves nothing of a file that may not come in', async () => {
  const broken = await attempt({ onFrame: breaksAfter(18 * MIB, new Refusal('INVALID', 'not that')) });
  expect(broken.failure?.code).toBe('INVALID');
  expect(staging.imageIds).toEqual([]);
  expect(staging.usedBytes).toBe(0);
});

it('is killed: what came since it was last kept is lost, and no more', async () => {
  const large = Buffer.alloc(72 * MIB, 1);
  large.set(randomBytes(MIB), 70 * MIB);
  const onFrame = async ({ offset }: Frame) => {
    if (offset < 70 * MIB) return;
    await cp(join(above, 'staging'), join(above, 'after'), { recursive: true });
    throw away;
  };
  await attempt({ file: large, onFrame });
  await staging[Symbol.asyncDispose]();
  staging = await started('after');
  const { before, failure } = await attempt({ file: large });
  expect(failure).toBeUndefined();
  expect(before).toEqual({ lengthBytes: 64 * MIB, sha512: sha512(large.subarray(0, 64 * MIB)) });
  expect((await dataOf('after')).equals(large)).toBe(true);
});
