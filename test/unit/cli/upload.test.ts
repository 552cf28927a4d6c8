import { open, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image, Job } from '../../../src/cli/wire.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { gate } from '../rpc/harness.ts';
import { FakeHub, Folder, type Given } from './run.ts';
import { emptyImage, endedJob, IMAGE_ID, image, JOB_ID, job, task } from './samples.ts';

const BLOCK = 64 * 1024;

let folder: Folder;
let sparse: string;
beforeAll(async () => {
  folder = await Folder.make();
  sparse = folder.file('sparse.raw');
  const file = await open(sparse, 'w');
  await file.truncate(64 * CHUNK_BYTES + 1000);
  await file.write(Buffer.alloc(CHUNK_BYTES, 'full'), 0, CHUNK_BYTES, 2 * CHUNK_BYTES);
  // Written zeros: no hole, and not sent either.
  await file.write(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, 9 * CHUNK_BYTES);
  await file.write(Buffer.from('in the middle'), 0, 13, 20 * CHUNK_BYTES + 5 * BLOCK);
  await file.write(Buffer.from('the end'), 0, 7, 64 * CHUNK_BYTES + 993);
  await file.close();
});
afterAll(() => folder[Symbol.asyncDispose]());

const importJob = (changes: Partial<Job> = {}) =>
  job({ kind: 'import', tasks: [task({ kind: 'ingest', storeId: 'central' })], ...changes });

/** A hub that takes an image in, as far as a test lets it. What was asked of it is in `asked`. */
class Intake {
  readonly asked: string[] = [];
  readonly frames: Frame[] = [];
  readonly requests: Record<string, unknown> = {};
  /** What the job has become; whoever watches is told. */
  readonly ended = Promise.withResolvers<Job>();
  /** Throws when the bytes are not wanted; called before each frame is kept. */
  beforeFrame: (frame: Frame) => Promise<void> = async () => {};
  outcome: Job = endedJob({ kind: 'import' });
  record: Image = image();
  /** What the hub shows of it until the bytes are in. */
  #shown: Image = emptyImage();

  given(): Given {
    return {
      Images: {
        Create: async (request) => {
          this.#ask('Create', request);
          return emptyImage({ protected: request.protected });
        },
        BeginUpload: async (request) => {
          this.#ask('BeginUpload', request);
          return importJob();
        },
        Upload: async (frames, { metadata, requestId }) => {
          this.#ask('Upload', { jobId: metadata.get('entrepot-job-id'), requestId });
          for await (const frame of frames) {
            await this.beforeFrame(frame);
            this.frames.push({ ...frame, data: Buffer.from(frame.data) });
          }
          if (this.frames.at(-1)?.data.length !== 0) throw new Refusal('CANCELLED', 'the upload was cut');
          this.#shown = this.record;
          this.ended.resolve(this.outcome);
          return { receivedBytes: 1 };
        },
        Get: async () => this.#shown,
        Delete: async (request) => {
          this.#ask('Delete', request);
          if (this.record.protected) throw new Refusal('FORBIDDEN', 'the image is protected', { rule: 'R9' });
          return job({ kind: 'delete' });
        },
      },
      Jobs: {
        Watch: async (_request, write, { signal }) => {
          await write(importJob());
          const left = new Promise<undefined>((resolve) => {
            signal.addEventListener('abort', () => resolve(undefined));
          });
          const ended = await Promise.race([this.ended.promise, left]);
          if (ended !== undefined) await write(ended);
        },
        Cancel: async (request) => {
          this.#ask('Cancel', request);
          this.ended.resolve(endedJob({ kind: 'import', state: 'cancelled' }));
          return importJob({ cancelRequested: true });
        },
      },
    };
  }

  #ask(call: string, request: object): void {
    this.asked.push(call);
    this.requests[call] = { ...request };
  }
}

const create = ['image', 'create', '--name', 'debian-13'];

describe('image create', () => {
  it('sends the data of a sparse file and nothing else, then follows the import', async () => {
    const intake = new Intake();
    await using hub = await FakeHub.with(intake.given());
    const record = ['--property', 'os=debian', 'a=b', '--property', 'c=', '--tag', 'golden', '--protected'];
    const more = [
      '--hidden',
      '--visibility',
      'public',
      '--min-disk',
      '2',
      '--min-ram',
      '512',
      '--id',
      IMAGE_ID,
    ];
    const stores = ['--store', 'dcn0', '--stores', 'dcn1,dcn2', '--all-stores-must-succeed'];
    const args = [...create, '--file', sparse, ...record, ...more, ...stores, '--request-id', 'deploy-7'];
    const { code, stdout, stderr } = await hub.start(...args).outcome;
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Create', 'BeginUpload', 'Upload'] });
    expect(intake.requests['Create']).toEqual({
      id: IMAGE_ID,
      name: 'debian-13',
      diskFormat: 'raw',
      containerFormat: 'bare',
      visibility: 'public',
      protected: true,
      osHidden: true,
      minDiskGib: 2,
      minRamMib: 512,
      tags: ['golden'],
      properties: { os: 'debian', a: 'b', c: '' },
    });
    const sizeBytes = 64 * CHUNK_BYTES + 1000;
    expect(intake.requests['BeginUpload']).toEqual({
      imageId: IMAGE_ID,
      storeId: 'dcn0',
      sizeBytes,
      storeIds: ['dcn1', 'dcn2'],
      allStores: false,
      allStoresMustSucceed: true,
      lane: 'normal',
    });
    expect(intake.requests['Upload']).toEqual({ jobId: JOB_ID, requestId: 'deploy-7' });

    const MIB = 1024 * 1024;
    expect(intake.frames.map(({ offset, data, last }) => [offset, data.length, last])).toEqual([
      [2 * CHUNK_BYTES, MIB, false],
      [2 * CHUNK_BYTES + MIB, MIB, false],
      [2 * CHUNK_BYTES + 2 * MIB, MIB, false],
      [2 * CHUNK_BYTES + 3 * MIB, MIB, true],
      [20 * CHUNK_BYTES + 5 * BLOCK, BLOCK, true],
      [64 * CHUNK_BYTES, 1000, true],
      [sizeBytes, 0, true],
    ]);
    const arrived = Buffer.alloc(sizeBytes);
    for (const { offset, data } of intake.frames) arrived.set(data, offset);
    expect(arrived.equals(await readFile(sparse))).toBe(true);

    expect(stdout).toContain(`id                ${IMAGE_ID}\n`);
    expect(stdout).toContain(`job ${JOB_ID} (import) succeeded\n`);
    expect(stderr).toContain('upload sending 0%');
    expect(stderr).toMatch(/upload sent 100%, (\S+ MiB) of \1/);
    expect(stderr).toContain('central transferring 50%');
  });

  it('is JSON for a script: the image and the job on stdout, progress on stderr', async () => {
    const intake = new Intake();
    await using hub = await FakeHub.with(intake.given());
    const { stdout, stderr } = await hub.run(...create, '--file', sparse, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      image: { id: IMAGE_ID },
      job: { id: JOB_ID, state: 'succeeded' },
    });
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).progress);
    expect(lines.map(({ name }) => name)).toContain('central');
    expect(lines.findLast(({ name }) => name === 'upload')).toMatchObject({ phase: 'sent', percent: 100 });
  });

  it('ends with the outcome of the import when all bytes are in', async () => {
    const intake = new Intake();
    intake.outcome = endedJob({
      kind: 'import',
      state: 'failed',
      reason: 'central: full',
      reasonCode: 'NO_SPACE',
    });
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', sparse);
    expect(code).toBe(7);
    expect(stderr).toContain(`entrepot: job ${JOB_ID} failed: central: full\n`);
    // The data may be at a store already: nobody but the owner throws it away.
    expect(intake.asked).not.toContain('Delete');
  });

  it.each([
    ['missing.raw', 'NOT_FOUND', 3],
    ['empty.raw', 'INVALID', 2],
  ])('makes no record of %s', async (name, code, exitCode) => {
    const intake = new Intake();
    await writeFile(folder.file('empty.raw'), '');
    await using hub = await FakeHub.with(intake.given());
    const outcome = await hub.run(...create, '--file', folder.file(name), '-o', 'json');
    expect(JSON.parse(outcome.stderr).error).toMatchObject({ code, exit_code: exitCode, request_id: null });
    expect(intake.asked).toEqual([]);
  });

  it('takes raw only, and says how to make it', async () => {
    await using hub = await FakeHub.with({});
    const { code, stderr } = await hub.run(...create, '--file', 'disk.qcow2', '--disk-format', 'qcow2');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'entrepot: disk format qcow2 cannot be taken in: only raw can\n' +
        'hint: convert it first: `qemu-img convert -O raw disk.qcow2 disk.raw`\n',
    );
  });
});

describe('an upload that fails', () => {
  it('because the file changes is cancelled, and the record is deleted again', async () => {
    const path = folder.file('growing.raw');
    await writeFile(path, Buffer.alloc(3 * CHUNK_BYTES, 1));
    const intake = new Intake();
    intake.beforeFrame = async ({ offset }) => {
      if (offset === 0) await writeFile(path, 'more', { flag: 'a' });
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect(code).toBe(4);
    expect(stderr).toContain('changed while it was read');
    expect(stderr).toContain(`image ${IMAGE_ID}, made for this upload, is deleted again\n`);
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload', 'Cancel', 'Delete']);
    expect(intake.frames.every(({ data }) => data.length > 0)).toBe(true);
  });

  it('because the pool is full says so', async () => {
    const intake = new Intake();
    intake.beforeFrame = async () => {
      throw new Refusal('NO_SPACE', 'central: the pool is full', { hint: 'make room' });
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', sparse);
    expect(code).toBe(7);
    expect(stderr).toContain('entrepot: central: the pool is full\nhint: make room\n');
    expect(intake.asked).toContain('Delete');
  });

  it('because the job ended stops sending, and tells the reason of the job', async () => {
    const intake = new Intake();
    const stuck = gate();
    const reason = 'central: the pool is gone';
    const failed = endedJob({ kind: 'import', state: 'failed', reason, reasonCode: 'UNAVAILABLE' });
    intake.beforeFrame = async () => {
      intake.ended.resolve(failed);
      await stuck.opened;
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', sparse);
    stuck.open();
    expect(code).toBe(6);
    expect(stderr).toContain(`entrepot: job ${JOB_ID} failed: central: the pool is gone\n`);
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload', 'Delete']);
  });

  it('keeps a record whose UUID was given, and says how to try again', async () => {
    const intake = new Intake();
    intake.beforeFrame = async () => {
      throw new Refusal('UNAVAILABLE', 'lost the agent');
    };
    await using hub = await FakeHub.with(intake.given());
    const { stderr } = await hub.run(...create, '--file', sparse, '--id', IMAGE_ID);
    expect(stderr).toContain(
      `image ${IMAGE_ID} is kept without data; \`entrepot image upload ${IMAGE_ID} --file ${sparse}\` tries again\n`,
    );
    expect(intake.asked).not.toContain('Delete');
  });

  it('says when the record could not be deleted', async () => {
    const intake = new Intake();
    intake.record = image({ protected: true });
    intake.beforeFrame = async () => {
      throw new Refusal('UNAVAILABLE', 'lost the agent');
    };
    await using hub = await FakeHub.with(intake.given());
    const { stderr } = await hub.run(...create, '--file', sparse, '--protected');
    expect(stderr).toContain(
      `image ${IMAGE_ID} is kept without data, for deleting it failed: the image is protected; `,
    );
  });

  it('whose answer alone was lost has not failed', async () => {
    const intake = new Intake();
    intake.beforeFrame = async ({ data }) => {
      if (data.length > 0) return;
      intake.ended.resolve(intake.outcome);
      throw new Refusal('UNAVAILABLE', 'hub is stopping');
    };
    await using hub = await FakeHub.with(intake.given());
    expect(await hub.run(...create, '--file', sparse)).toMatchObject({ code: 0 });
    expect(intake.asked).not.toContain('Delete');
  });
});

describe('Ctrl-C', () => {
  it('in an upload cancels the job and takes the record back', async () => {
    const intake = new Intake();
    const sending = gate();
    intake.beforeFrame = async () => {
      sending.open();
      await new Promise(() => {});
    };
    await using hub = await FakeHub.with(intake.given());
    const { child, outcome } = hub.start(...create, '--file', sparse);
    // A process that does not get so far is seen by its outcome.
    await Promise.race([sending.opened, outcome]);
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain('entrepot: interrupted; the upload was cancelled\n');
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload', 'Cancel', 'Delete']);
  });

  it('after the last byte leaves the job to the hub', async () => {
    const intake = new Intake();
    const never = Promise.withResolvers<Job>();
    Object.assign(intake, { ended: { promise: never.promise, resolve: () => {} } });
    await using hub = await FakeHub.with(intake.given());
    const { child, outcome } = hub.start(...create, '--file', sparse);
    let told = '';
    const sent = new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: Buffer) => {
        told += text.toString();
        if (told.includes('upload sent')) resolve();
      });
    });
    await Promise.race([sent, outcome]);
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain(`interrupted; all bytes are in, and job ${JOB_ID} goes on\n`);
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload']);
  });
});

it('image upload brings the data of a record in that was kept', async () => {
  const intake = new Intake();
  await using hub = await FakeHub.with(intake.given());
  expect(await hub.run('image', 'upload', IMAGE_ID, '--file', sparse, '--all-stores')).toMatchObject({
    code: 0,
  });
  expect(intake.asked).toEqual(['BeginUpload', 'Upload']);
  expect(intake.requests['BeginUpload']).toMatchObject({
    imageId: IMAGE_ID,
    storeId: '',
    storeIds: [],
    allStores: true,
  });
});
