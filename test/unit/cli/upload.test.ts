import { open, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { gate } from '../rpc/harness.ts';
import { Intake } from './intake.ts';
import { FakeHub, Folder } from './run.ts';
import { emptyImage, endedJob, IMAGE_ID, image, JOB_ID } from './samples.ts';

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
      owner: '',
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

  it('stages a file that is not raw, and has it imported from there', async () => {
    const path = folder.file('packed.qcow2.gz');
    await writeFile(path, Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(5000, 1)]));
    const intake = new Intake();
    await using hub = await FakeHub.with(intake.given());
    const { code, stdout } = await hub.run(
      ...create,
      '--file',
      path,
      '--stores',
      'dcn0',
      '--allow-failure',
      'false',
    );
    expect(code).toBe(0);
    expect(intake.asked).toEqual(['Create', 'Stage', 'Upload', 'Import']);
    expect(intake.requests['Create']).toMatchObject({ diskFormat: 'qcow2', containerFormat: 'bare' });
    expect(intake.requests['Stage']).toMatchObject({ imageId: IMAGE_ID, storeId: '', sizeBytes: 5004 });
    expect(intake.requests['Import']).toMatchObject({
      imageId: IMAGE_ID,
      glanceDirect: {},
      storeIds: ['dcn0'],
      allStoresMustSucceed: true,
    });
    expect(stdout).toContain(`job ${JOB_ID} (import) succeeded\n`);
  });

  it('deletes the record again when what was staged is refused', async () => {
    const path = folder.file('refused.qcow2.gz');
    await writeFile(path, Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(5000, 1)]));
    const intake = new Intake();
    intake.imported = endedJob({
      kind: 'import',
      state: 'failed',
      reason: 'not sound',
      reasonCode: 'INVALID',
    });
    intake.record = emptyImage();
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect(code).toBe(2);
    expect(stderr).toContain('failed: not sound\n');
    expect(intake.asked.at(-1)).toBe('Delete');
  });

  it.each([
    ['header.qcow2', [], /header.qcow2: .*\n/],
    ['disk.vdi.gz', ['--disk-format', 'aki'], undefined],
    ['declared.qcow2.gz', ['--disk-format', 'vmdk'], undefined],
  ])('sends nothing of %s that no site would let in', async (name, options, message) => {
    const path = folder.file(name);
    const start = name === 'header.qcow2' ? [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3] : [0x1f, 0x8b, 8, 0];
    await writeFile(path, Buffer.from(start));
    const intake = new Intake();
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path, ...options);
    if (message === undefined) {
      // What is in a compressed file, its agent sees.
      expect(intake.asked[0]).toBe('Create');
      return;
    }
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(intake.asked).toEqual([]);
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
      throw new Refusal('NO_SPACE', 'the pool is full');
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
      throw new Refusal('NO_SPACE', 'the pool is full');
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
  it('before anything was sent cancels the job and takes the record back', async () => {
    const intake = new Intake();
    const waiting = gate();
    intake.beforeReply = async () => {
      waiting.open();
      await new Promise(() => {});
    };
    await using hub = await FakeHub.with(intake.given());
    const { child, outcome } = hub.start(...create, '--file', sparse);
    // A process that does not get so far is seen by its outcome.
    await Promise.race([waiting.opened, outcome]);
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain('upload waiting');
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
