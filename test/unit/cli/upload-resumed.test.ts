import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { gate } from '../rpc/harness.ts';
import { Intake, importJob } from './intake.ts';
import { FakeHub, Folder } from './run.ts';
import { emptyImage, IMAGE_ID, JOB_ID, type job, task } from './samples.ts';

const SIZE_BYTES = 4 * CHUNK_BYTES + 1000;

let folder: Folder;
let path: string;
let bytes: Buffer;
beforeAll(async () => {
  folder = await Folder.make();
  path = folder.file('disk.raw');
  bytes = Buffer.alloc(SIZE_BYTES);
  for (let chunk = 0; chunk < 5; chunk++) bytes.fill(chunk + 1, chunk * CHUNK_BYTES);
  await writeFile(path, bytes);
});
afterAll(() => folder[Symbol.asyncDispose]());

const lost = () => new Refusal('UNAVAILABLE', 'the agent that takes the upload in has gone away');

/** Breaks every call off once a frame at or behind this chunk has come; `has` is what the agent keeps of it. */
function breakAt(intake: Intake, chunk: number, has: Buffer): void {
  intake.beforeFrame = async ({ offset }) => {
    if (offset < chunk * CHUNK_BYTES) return;
    intake.has = Buffer.from(has);
    throw lost();
  };
}

const firstChunks = (count: number) => Buffer.from(bytes.subarray(0, count * CHUNK_BYTES));

/** An upload that an earlier run left. */
function left(intake: Intake, has: Buffer, changes: Parameters<typeof job>[0] = {}): Intake {
  intake.has = has;
  intake.jobs = [importJob({ uploadBytes: SIZE_BYTES, ...changes })];
  intake.uploading = [emptyImage({ status: 'uploading', owner: 'alice' })];
  return intake;
}

/** The file as the frames of the last call complete it. */
function arrived(intake: Intake): Buffer {
  const whole = Buffer.alloc(SIZE_BYTES);
  intake.has.copy(whole);
  for (const { offset, data } of intake.frames) whole.set(data, offset);
  return whole;
}

const create = ['image', 'create', '--name', 'debian-13'];

describe('an upload that breaks off', () => {
  it('goes on by itself from what the agent has, and nothing is cancelled', async () => {
    const intake = new Intake();
    breakAt(intake, 3, firstChunks(2));
    let calls = 0;
    intake.beforeReply = async () => {
      calls++;
      // The hub may see later than this side that a call is over.
      if (calls === 2) throw new Refusal('CONFLICT', `job ${JOB_ID} is already being uploaded to`);
      if (calls === 3) intake.beforeFrame = async () => {};
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect({ code, asked: intake.asked }).toEqual({
      code: 0,
      asked: ['Create', 'BeginUpload', 'Upload', 'Upload', 'Upload'],
    });
    expect(intake.frames[0]?.offset).toBe(2 * CHUNK_BYTES);
    expect(arrived(intake).equals(bytes)).toBe(true);
    expect(stderr.split('has gone away; the upload goes on as soon as it can\n')).toHaveLength(2);
    expect(stderr).toContain('upload comparing');
  });

  it('is kept when nobody comes back for it, and says what goes on', async () => {
    const intake = new Intake();
    breakAt(intake, 3, firstChunks(2));
    await using hub = await FakeHub.with(intake.given());
    let calls = 0;
    intake.beforeReply = async () => {
      if (calls++ > 0) throw lost();
    };
    const stores = ['--stores', 'dcn0,dcn1', '--allow-failure', 'false'];
    const { code, stderr } = await hub.run('--timeout', '1', ...create, '--file', path, ...stores);
    expect(code).toBe(6);
    expect(stderr).toContain(
      `entrepot: the agent that takes the upload in has gone away; what was sent of ${path} is kept for a while\n` +
        `hint: \`entrepot image upload ${IMAGE_ID} --file ${path} --stores dcn0,dcn1 --all-stores-must-succeed\` goes on from there, ` +
        `\`entrepot job cancel ${JOB_ID}\` gives it up\n`,
    );
    expect(intake.asked).not.toContain('Cancel');
    expect(intake.asked).not.toContain('Delete');
  });

  it('is kept when an agent that went away stays away, but not while it reads what it has', async () => {
    const intake = new Intake();
    breakAt(intake, 3, firstChunks(2));
    const away = { kind: 'ingest', storeId: 'central', state: 'waiting', progress: null } as const;
    let calls = 0;
    intake.beforeReply = async () => {
      if (calls++ > 0) await new Promise(() => {});
    };
    intake.changes = [];
    const atWork = gate();
    const given = intake.given();
    await using hub = await FakeHub.with({
      ...given,
      Jobs: {
        ...given.Jobs,
        Watch: async (_request, write, { signal }) => {
          await write(importJob());
          await new Promise((resolve) => setTimeout(resolve, 3000));
          atWork.open();
          await write(importJob({ tasks: [task(away)] }));
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
    });
    const outcome = hub.run('--timeout', '1', ...create, '--file', path);
    let isOver = false;
    void outcome.then(() => (isOver = true));
    await atWork.opened;
    expect(isOver).toBe(false);
    const { code, stderr } = await outcome;
    expect(code).toBe(6);
    expect(stderr).toContain(
      `no agent has gone on with the upload for 1 s; what was sent of ${path} is kept`,
    );
  });

  it('is kept at Ctrl-C', async () => {
    const intake = new Intake();
    const sending = gate();
    intake.beforeFrame = async () => {
      sending.open();
      await new Promise(() => {});
    };
    await using hub = await FakeHub.with(intake.given());
    const { child, outcome } = hub.start(...create, '--file', path);
    await Promise.race([sending.opened, outcome]);
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain(
      `entrepot: interrupted; what was sent of ${path} is kept for a while\n` +
        `hint: \`entrepot image upload ${IMAGE_ID} --file ${path}\` goes on from there, \`entrepot job cancel ${JOB_ID}\` gives it up\n`,
    );
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload']);
  });

  it('is cancelled when the agent gives back other bytes than were sent', async () => {
    const intake = new Intake();
    breakAt(intake, 3, Buffer.alloc(2 * CHUNK_BYTES, 'bad'));
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect(code).toBe(8);
    expect(stderr).toContain(`that image ${IMAGE_ID} has are not what was sent of ${path}\n`);
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload', 'Upload', 'Cancel', 'Delete']);
  });

  it('after its last byte is gone on with when the agent asks again', async () => {
    const intake = new Intake();
    let calls = 0;
    const sent = gate();
    intake.whenIn = async () => {
      calls++;
      intake.has = firstChunks(1);
      sent.open();
      if (calls === 2) intake.ended.resolve(intake.outcome);
    };
    const given = intake.given();
    const again = { kind: 'ingest', storeId: 'central', attempt: 2 };
    await using hub = await FakeHub.with({
      ...given,
      Jobs: {
        ...given.Jobs,
        Watch: async (_request, write) => {
          await write(importJob());
          await sent.opened;
          // The answer to the upload comes by another connection.
          await new Promise((resolve) => setTimeout(resolve, 300));
          await write(importJob({ uploadBytes: SIZE_BYTES, tasks: [task(again)] }));
          await write(await intake.ended.promise);
        },
      },
    });
    expect(await hub.run(...create, '--file', path)).toMatchObject({ code: 0 });
    expect(intake.asked).toEqual(['Create', 'BeginUpload', 'Upload', 'Upload']);
    expect(intake.frames[0]?.offset).toBe(CHUNK_BYTES);
  });
});

describe('another run', () => {
  it('of image upload goes on where the agent is, and begins nothing', async () => {
    const intake = left(new Intake(), firstChunks(3));
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run('image', 'upload', IMAGE_ID, '--file', path);
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Upload'] });
    expect(intake.frames.map(({ offset }) => offset)).toEqual([
      3 * CHUNK_BYTES,
      ...[1, 2, 3].map((mib) => 3 * CHUNK_BYTES + mib * 1024 * 1024),
      4 * CHUNK_BYTES,
      SIZE_BYTES,
    ]);
    expect(arrived(intake).equals(bytes)).toBe(true);
    expect(stderr).toContain(`goes on with job ${JOB_ID} (import), as it was begun\n`);
    expect(stderr).toContain('upload sending 74%, 12 MiB of 16 MiB');
  });

  it('of image upload goes on with what is staged, and imports it', async () => {
    const intake = left(new Intake(), firstChunks(3), { kind: 'stage', tasks: [task({ kind: 'stage' })] });
    await using hub = await FakeHub.with(intake.given());
    const { code } = await hub.run('image', 'upload', IMAGE_ID, '--file', path, '--stores', 'dcn0');
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Upload', 'Import'] });
    expect(intake.requests['Import']).toMatchObject({ imageId: IMAGE_ID, storeIds: ['dcn0'] });
  });

  it('of image stage goes on with a stage alone', async () => {
    const intake = left(new Intake(), firstChunks(3), { kind: 'stage' });
    await using hub = await FakeHub.with(intake.given());
    const command = ['image', 'stage', IMAGE_ID, '--file', path];
    expect(await hub.run(...command)).toMatchObject({ code: 0 });
    expect(intake.asked).toEqual(['Upload']);
    left(intake, firstChunks(3));
    const { code, stderr } = await hub.run(...command);
    expect(code).toBe(4);
    expect(stderr).toContain(`hint: \`entrepot image upload ${IMAGE_ID} --file ${path}\` goes on with it`);
    expect(intake.asked).toEqual(['Upload']);
  });

  it.each([
    ['another file', Buffer.alloc(CHUNK_BYTES, 9), {}, `the ${CHUNK_BYTES} bytes that image ${IMAGE_ID} has`],
    ['another size', Buffer.alloc(0), { uploadBytes: 5 }, 'waits for the rest of a file of 5 bytes'],
  ])('with %s is refused, and changes nothing', async (_name, has, changes, message) => {
    const intake = left(new Intake(), has, changes);
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run('image', 'upload', IMAGE_ID, '--file', path);
    expect(code).toBe(4);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`hint: \`entrepot job cancel ${JOB_ID}\` gives that upload up\n`);
    expect(intake.asked.filter((call) => call !== 'Upload')).toEqual([]);
    expect(intake.frames).toEqual([]);
  });

  it('while the first is still at it is refused, and the first is left alone', async () => {
    const intake = left(new Intake(), firstChunks(3));
    intake.beforeReply = async () => {
      throw new Refusal('CONFLICT', `job ${JOB_ID} is already being uploaded to`);
    };
    await using hub = await FakeHub.with(intake.given());
    const { code } = await hub.run('image', 'upload', IMAGE_ID, '--file', path);
    expect({ code, asked: intake.asked }).toEqual({ code: 4, asked: ['Upload'] });
  });
});

describe('image create again', () => {
  it('goes on with the image of that name, and leaves its record as it is', async () => {
    const intake = left(new Intake(), firstChunks(3));
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path, '--hidden');
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Upload'] });
    expect(intake.requests['List']).toMatchObject({
      name: 'debian-13',
      status: 'uploading',
      owner: 'alice',
      osHidden: true,
    });
    expect(arrived(intake).equals(bytes)).toBe(true);
    expect(intake.frames[0]?.offset).toBe(3 * CHUNK_BYTES);
    expect(stderr).toContain(`as it was begun; the record of image ${IMAGE_ID} stays as it is\n`);
  });

  it('goes on with the image of that id', async () => {
    const intake = left(new Intake(), firstChunks(3));
    intake.shown = emptyImage({ status: 'uploading', owner: 'alice' });
    await using hub = await FakeHub.with(intake.given());
    const { code } = await hub.run(...create, '--file', path, '--id', IMAGE_ID);
    expect({ code, asked: intake.asked }).toEqual({ code: 0, asked: ['Upload'] });
    // Of somebody else: the hub says whose it is.
    intake.shown = emptyImage({ status: 'uploading', owner: 'bob' });
    await hub.run(...create, '--file', path, '--id', IMAGE_ID);
    expect(intake.asked[1]).toBe('Create');
  });

  it.each<[string, (intake: Intake) => void]>([
    ['of another file', (intake) => (intake.has = Buffer.alloc(CHUNK_BYTES, 9))],
    ['without bytes', (intake) => (intake.has = Buffer.alloc(0))],
    ['of another size', ({ jobs }) => (jobs[0] = importJob({ uploadBytes: 5 }))],
    [
      'that somebody is at',
      (intake) =>
        firstCallFails(intake, new Refusal('CONFLICT', `job ${JOB_ID} is already being uploaded to`)),
    ],
  ])('passes over an upload %s', async (_name, change) => {
    const intake = left(new Intake(), firstChunks(3));
    change(intake);
    const { beforeReply } = intake;
    intake.beforeReply = async () => {
      await beforeReply();
      // That of the new image.
      if (intake.asked.includes('BeginUpload')) intake.has = Buffer.alloc(0);
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect(code).toBe(0);
    expect(intake.asked.filter((call) => call !== 'Upload')).toEqual(['Create', 'BeginUpload']);
    expect(stderr).not.toContain('could not be looked at');
  });

  it('does not wait for an agent that is away', async () => {
    const intake = left(new Intake(), firstChunks(3), {
      tasks: [task({ kind: 'ingest', state: 'waiting' })],
    });
    intake.beforeReply = async () => {
      if (!intake.asked.includes('BeginUpload')) await new Promise(() => {});
      intake.has = Buffer.alloc(0);
    };
    await using hub = await FakeHub.with(intake.given());
    const { code, stderr } = await hub.run(...create, '--file', path);
    expect(code).toBe(0);
    expect(intake.asked).toEqual(['Upload', 'Create', 'BeginUpload', 'Upload']);
    expect(stderr).toContain(
      `image ${IMAGE_ID} has an unfinished upload of the same size that could not be looked at: its agent does not answer; ` +
        `\`entrepot image upload ${IMAGE_ID} --file ${path}\` goes on with it\n`,
    );
  });
});

function firstCallFails(intake: Intake, refusal: Refusal): void {
  intake.beforeReply = async () => {
    if (!intake.asked.includes('BeginUpload')) throw refusal;
  };
}
