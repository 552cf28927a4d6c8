import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { CuttableProxy } from '../../cloud/cuttable-proxy.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, CliProcess, expectTextRefusal, MIB } from '../helpers-file.ts';
import { realQcow2 } from '../hostile-files.ts';
import { expectNothingLeft, staged } from '../importing.ts';

/** Without holes, so that what is sent and what goes over the line are the same bytes. */
const DATA_MIB = 160;

/** When something breaks: more than may be sent again. */
const SENT_BYTES = 128 * MIB;

/** Since the last checkpoint, what is being written, and what is on its way in two daemons. */
const RESENT_BYTES = 112 * MIB;

const OVERHEAD_BYTES = MIB;

let bench: Bench;
/** From the command to the hub. */
let line: CuttableProxy;
let raw: string;
let qcow2: string;
let disk: Buffer;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central'], hub: { upload_keep_seconds: 3600 } });
  line = await CuttableProxy.start(Number(bench.cloud.hubAddress.split(':')[1]));
  raw = await bench.sample('upload', DATA_MIB, DATA_MIB);
  disk = readFileSync(raw);
  realQcow2(bench.folder, 'upload', disk);
  qcow2 = `${bench.folder}/upload.qcow2`;
});
afterEach(() => {
  line.mend();
  line.release();
});
afterAll(async () => {
  await line?.[Symbol.asyncDispose]();
  await bench?.[Symbol.asyncDispose]();
});

/** A command whose bytes go over the line. */
const command = (...args: string[]) =>
  new CliProcess(['--hub', line.address, '--credentials', bench.cloud.operatorFolder, ...args]);

const run = (...args: string[]) => command(...args).exited;

/** A command that has sent SENT_BYTES, and sends no more until the line is released. */
async function halfway(...args: string[]): Promise<{ readonly sending: CliProcess; readonly job: Job }> {
  line.holdAfter(SENT_BYTES);
  const sending = command(...args);
  await line.held();
  const [job] = await bench.calls.listJobs({ imageId: '', all: false, limit: 10 });
  if (job === undefined) throw new Error(`no job: ${sending.stderr}`);
  // What has come over the line is in the agent's hands, but for what two daemons hold.
  const isTaken = async () => {
    const [task] = (await bench.calls.getJob(job.id)).tasks;
    return Number(task?.progress?.doneBytes ?? 0) >= SENT_BYTES - 48 * MIB;
  };
  await waitFor('the agent to have taken it in', isTaken);
  return { sending, job };
}

async function restart(name: string): Promise<void> {
  await bench.daemon(name).kill('SIGKILL');
  bench.daemon(name).spawn();
  await bench.daemon(name).ready();
}

/** The image is there, under the id of the job that broke off, and little of it was sent twice. */
async function expectWhole({ id, imageId }: Job, format: 'raw' | 'qcow2', sentBefore: number): Promise<void> {
  expect(await bench.ended(id)).toMatchObject({ state: 'succeeded', reason: '' });
  await waitFor('the image', async () => (await bench.image(imageId)).status === 'active');
  expect(readFileSync(bench.wholeFile('central', imageId)).equals(disk)).toBe(true);
  expect(staged(bench)).toEqual([]);
  const fileBytes = statSync(fileOf(format)).size;
  const sentBytes = line.forwardedBytes - sentBefore;
  expect(sentBytes).toBeLessThan(fileBytes + RESENT_BYTES + OVERHEAD_BYTES);
  const [task] = (await bench.calls.getJob(id)).tasks;
  expect(Number(task?.totals?.traffic?.resumedBytes)).toBeGreaterThanOrEqual(SENT_BYTES - RESENT_BYTES);
}

const fileOf = (format: 'raw' | 'qcow2') => (format === 'raw' ? raw : qcow2);

const create = (format: 'raw' | 'qcow2', ...more: string[]) => {
  const name = `${format} ${randomUUID()}`;
  return ['image', 'create', '--name', name, '--file', fileOf(format), ...more];
};

describe('an upload that breaks off', () => {
  test.each([
    ['raw', 'the agent is killed', () => restart('central')],
    ['raw', 'the hub is killed', () => restart('hub')],
    [
      'raw',
      'the line is cut',
      async () => {
        line.cut();
        line.mend();
      },
    ],
    ['qcow2', 'the agent is killed', () => restart('central')],
  ] as const)('of %s, because %s: the command goes on by itself', async (format, _why, breakIt) => {
    const before = line.forwardedBytes;
    const { sending, job } = await halfway(...create(format));
    await breakIt();
    line.release();
    const { exitCode, stderr } = await sending.exited;
    expect(exitCode, stderr).toBe(0);
    await expectWhole(job, format, before);
  });

  test.each(['raw', 'qcow2'] as const)(
    'of %s, because the command is killed: the same command goes on, and all daemons are new meanwhile',
    async (format) => {
      const before = line.forwardedBytes;
      const args = create(format);
      const { sending, job } = await halfway(...args);
      sending.child.kill('SIGKILL');
      await sending.exited;
      line.release();
      await keptFor(job);
      // Both forget what they have only in memory.
      await Promise.all([restart('hub'), restart('central')]);
      const again = await run(...args);
      expect(again.exitCode, again.stderr).toBe(0);
      expect(again.stderr).toContain(job.imageId);
      await expectWhole(job, format, before);
    },
  );

  test('by Ctrl-C: is kept, and goes on as it is told', async () => {
    const before = line.forwardedBytes;
    const { sending, job } = await halfway(...create('raw', '--id', randomUUID()));
    sending.child.kill('SIGINT');
    const { exitCode, stderr } = await sending.exited;
    line.release();
    expect(exitCode).toBe(130);
    const [, id = '', shown = ''] = /entrepot image upload (\S+) --file ([^`\s]+)/.exec(stderr) ?? [];
    expect(id, stderr).toBe(job.imageId);
    expect(stderr).toContain(`entrepot job cancel ${job.id}`);
    const again = await run('image', 'upload', id, '--file', shown);
    expect(again.exitCode, again.stderr).toBe(0);
    await expectWhole(job, 'raw', before);
  });
});

/** The job waits for whoever comes back. */
async function keptFor({ id }: Job): Promise<void> {
  await waitFor('the upload to be kept', async () => {
    const { state, tasks } = await bench.calls.getJob(id);
    return state === 'running' && tasks[0]?.state === 'queued' && tasks[0].notBeforeMs > Date.now();
  });
}

test('a file that was staged whole is imported by the command that could not any more', async () => {
  const args = create('qcow2');
  const [, , , name = ''] = args;
  const made = await run('image', 'create', '--name', name, '--disk-format', 'qcow2', '-o', 'json');
  const imageId: string = JSON.parse(made.stdout).image.id;
  const stage = ['image', 'stage', imageId, '--file', qcow2];
  expect((await run(...stage)).exitCode).toBe(0);
  const before = line.forwardedBytes;
  // As a command that was killed there: nobody has asked for the import.
  expect((await run(...stage)).exitCode).toBe(0);
  const { exitCode, stderr } = await run(...args);
  expect(exitCode, stderr).toBe(0);
  expect(line.forwardedBytes - before).toBeLessThan(OVERHEAD_BYTES);
  expect((await bench.image(imageId)).status).toBe('active');
  expect(readFileSync(bench.wholeFile('central', imageId)).equals(disk)).toBe(true);
  expect(staged(bench)).toEqual([]);
});

describe('what is kept of an upload', () => {
  async function kept(): Promise<Job> {
    const imageId = randomUUID();
    const { sending, job } = await halfway(
      'image',
      'create',
      '--name',
      'kept',
      '--id',
      imageId,
      '--file',
      raw,
    );
    sending.child.kill('SIGKILL');
    await sending.exited;
    line.release();
    await keptFor(job);
    return job;
  }

  test('is of one file: another one of the same size changes nothing', async () => {
    const job = await kept();
    const other = await bench.sample('another', DATA_MIB, DATA_MIB);
    expectTextRefusal(await run('image', 'upload', job.imageId, '--file', other), {
      exit: 4,
      code: 'CONFLICT',
      says: 'another file',
      hint: `entrepot job cancel ${job.id}`,
    });
    const shorter = await bench.sample('shorter', 8, 8);
    expectTextRefusal(await run('image', 'upload', job.imageId, '--file', shorter), {
      exit: 4,
      code: 'CONFLICT',
      says: String(8 * MIB),
      hint: `entrepot job cancel ${job.id}`,
    });
    await keptFor(job);
    const again = await run('image', 'upload', job.imageId, '--file', raw);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(readFileSync(bench.wholeFile('central', job.imageId)).equals(disk)).toBe(true);
  });

  test('is put away when its job is cancelled', async () => {
    const job = await kept();
    expect((await bench.cloud.cli('job', 'cancel', job.id)).exitCode).toBe(0);
    expect((await bench.ended(job.id)).state).toBe('cancelled');
    await expectNothingLeft(bench, job.imageId);
  });

  test('goes with the image', async () => {
    const job = await kept();
    expect((await bench.cloud.cli('image', 'delete', job.imageId, '--wait')).exitCode).toBe(0);
    expect((await bench.ended(job.id)).state).toBe('cancelled');
    await waitFor('what was kept to be gone', () =>
      bench.disk('central').every((name) => !name.includes(job.imageId)),
    );
  });
});
