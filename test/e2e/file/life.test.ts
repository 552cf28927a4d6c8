import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { ShownJob } from '../../cloud/records.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, expectTextRefusal, MIB } from '../helpers-file.ts';

/** 24 MiB of data in 64 MiB, in extents that begin between chunks. */
const DATA_MIB = 24;

let bench: Bench;
let sample: string;

beforeAll(async () => {
  bench = await Bench.start();
  sample = await bench.sample('life', 64, DATA_MIB);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});
afterEach(() => bench.line.release());

const cli = (...args: string[]) => bench.cloud.cli(...args);

async function succeeds(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await cli(...args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

/** A copy of `id` to `storeId` that has moved a few MiB and moves no more until the line is released. */
async function copyInTheMiddle(id: string, storeId: string): Promise<string> {
  bench.line.holdAfter(6 * MIB);
  const { id: jobId } = await bench.copy(id, storeId);
  await bench.line.held();
  await waitFor('the partial image', () =>
    readdirSync(bench.poolFolder(storeId)).includes(`entrepot.partial.${id}`),
  );
  return jobId;
}

const filesOf = (storeId: string, id: string) => bench.disk(storeId).filter((name) => name.includes(id));

test('brought, copied, listed, located, downloaded, deleted: bytes and holes are the same throughout', async () => {
  const id = await bench.bring('life', sample);
  expect(await bench.holders(id)).toEqual(['central']);
  await succeeds('image', 'copy', id, '--stores', 'dcn0,dcn1', '--wait');

  const original = readFileSync(sample);
  for (const storeId of bench.cloud.storeIds) {
    const file = bench.wholeFile(storeId, id);
    expect(readFileSync(file).equals(original)).toBe(true);
    expect(statSync(file).blocks * 512).toBeLessThanOrEqual(statSync(sample).blocks * 512 + 256 * 1024);
    // The protected snapshot of this driver.
    expect(statSync(file).mode & 0o777).toBe(0o444);
  }
  expect(await succeeds('image', 'list', '--stores')).toMatch(
    new RegExp(`${id} +life +active +64 MiB .* central, dcn0, dcn1`),
  );
  expect(await succeeds('image', 'show', id)).toMatch(/dcn1 +present/);
  const stores = await bench.calls.listStores();
  expect((await succeeds('image', 'locations', id)).match(/file:\S+/g)).toEqual(
    stores.map(({ fsid }) => `file://${fsid}/images/${id}/snap`),
  );
  const image = await bench.image(id);
  expect(image.copies.map(({ verifiedRoot }) => verifiedRoot)).toEqual([image.root, image.root, image.root]);

  const target = join(bench.folder, 'download.raw');
  await succeeds('image', 'download', id, '--file', target);
  expect(readFileSync(target).equals(original)).toBe(true);
  expect(statSync(target).blocks).toBeLessThanOrEqual(statSync(sample).blocks + 512);

  await succeeds('image', 'delete', id, '--wait');
  for (const storeId of bench.cloud.storeIds) expect(filesOf(storeId, id)).toEqual([]);
  expectTextRefusal(await cli('image', 'show', id), {
    exit: 3,
    code: 'NOT_FOUND',
    says: 'is not in the catalogue',
    hint: 'image list',
  });
  expectTextRefusal(await cli('image', 'create', '--name', 'n', '--file', sample, '--id', id), {
    exit: 4,
    code: 'ALREADY_EXISTS',
    says: 'is in use, or was once',
    hint: 'leave the id out',
    rule: 'R1',
  });
}, 120_000);

test('an image that enters at an edge is at central before it counts anywhere, and then fills the others (R3)', async () => {
  // Central's answers go over the line, as the edge's frames do: held, nothing can reach central.
  bench.line.holdAfter(6 * MIB);
  const upload = bench.spawn(
    'image',
    'create',
    '--name',
    'edge-born',
    '--file',
    sample,
    '--store',
    'dcn0',
    '--all-stores',
  );
  await bench.line.held();
  const [job] = await bench.calls.listJobs({ imageId: '', all: false, limit: 10 });
  const id = job?.imageId ?? '';
  expect(await bench.holders(id)).toEqual([]);
  expect((await bench.image(id)).status).toBe('importing');
  bench.line.release();
  expect(await upload.exited).toMatchObject({ exitCode: 0 });
  expect(await bench.holders(id)).toEqual(['central', 'dcn0', 'dcn1']);
  for (const storeId of bench.cloud.storeIds) {
    expect(readFileSync(bench.wholeFile(storeId, id)).equals(readFileSync(sample))).toBe(true);
  }
}, 120_000);

test('all-stores takes those that lack it; then there is nothing to do; a named store that has it is refused (R4)', async () => {
  const id = await bench.bring('all', sample, '--stores', 'dcn0');
  const before = bench.disk('dcn0');
  await succeeds('image', 'copy', id, '--all-stores', '--wait');
  expect(await bench.holders(id)).toEqual(['central', 'dcn0', 'dcn1']);
  expect(bench.disk('dcn0')).toEqual(before);
  expect(await succeeds('image', 'copy', id, '--all-stores', '--wait')).toBe(
    `nothing to do: every store holds image ${id}`,
  );
  expect(JSON.parse(await succeeds('-o', 'json', 'image', 'copy', id, '--all-stores'))).toEqual({
    job: null,
    joined: false,
  });
  expectTextRefusal(await cli('image', 'copy', id, '--stores', 'dcn1'), {
    exit: 4,
    code: 'ALREADY_EXISTS',
    says: `image ${id} is already at dcn1: nothing was queued`,
    hint: '--all-stores',
    rule: 'R4',
  });
}, 120_000);

test('ten commands at once for one copy: one job makes it, and every command is told that it is done', async () => {
  const id = await bench.bring('ten', sample);
  bench.line.holdAfter(MIB);
  const commands = Array.from({ length: 10 }, () =>
    bench.spawn('-o', 'json', 'image', 'copy', id, '--stores', 'dcn0', '--wait'),
  );
  await waitFor('all to follow the job', () => commands.every(({ stderr }) => stderr.includes('"job_id"')));
  bench.line.release();
  const results = await Promise.all(commands.map(({ exited }) => exited));
  expect(results.map(({ exitCode }) => exitCode)).toEqual(Array(10).fill(0));
  const replies = results.map(({ stdout }) => JSON.parse(stdout) as { job: ShownJob; joined: boolean });
  expect(new Set(replies.map(({ job }) => job.id)).size).toBe(1);
  expect(replies.filter(({ joined }) => !joined)).toHaveLength(1);
  expect(await bench.holders(id)).toEqual(['central', 'dcn0']);
  expect(bench.traffic('dcn0', id)).toMatchObject({ attempt: 1 });
}, 120_000);

test('ten calls within a millisecond, to different stores, end well: each copy is made once', async () => {
  const id = await bench.bring('ten-calls', sample);
  const asked = Array.from(
    { length: 10 },
    (_, n) => [['dcn0'], ['dcn1'], ['dcn0', 'dcn1'], ['dcn1', 'dcn0']][n % 4] ?? [],
  );
  const jobs = await Promise.all(asked.map((storeIds) => bench.copy(id, ...storeIds)));
  const ended = await Promise.all(jobs.map((job) => bench.ended(job.id)));
  expect(ended.map(({ state }) => state)).toEqual(Array(10).fill('succeeded'));
  expect(await bench.holders(id)).toEqual(['central', 'dcn0', 'dcn1']);
  for (const storeId of ['dcn0', 'dcn1']) {
    const done = bench.log(storeId).filter((line) => line.msg === 'copy done' && line['imageId'] === id);
    expect(done).toHaveLength(1);
  }
});

test('jobs of one image wait in order and say so; cancelling the queued one and then the running one leaves nothing', async () => {
  const id = await bench.bring('queue', sample);
  const running = await copyInTheMiddle(id, 'dcn0');
  const queued = await succeeds('image', 'copy', id, '--stores', 'dcn1');
  expect(queued).toMatch(
    new RegExp(`job [0-9a-f-]{36} \\(copy\\) is queued, 1 before it: ${running} \\(copy, running\\)`),
  );
  const waiting = /job (\S+)/.exec(queued)?.[1] ?? '';
  const shown = JSON.parse(await succeeds('-o', 'json', 'job', 'show', waiting)) as ShownJob;
  expect(shown).toMatchObject({
    state: 'queued',
    place: 1,
    ahead: [{ id: running, kind: 'copy', state: 'running' }],
  });
  expect(await succeeds('job', 'show', waiting)).toContain(running);

  await succeeds('job', 'cancel', waiting);
  expect(await bench.ended(waiting)).toMatchObject({ state: 'cancelled' });
  // The first goes on undisturbed.
  expect((await bench.calls.getJob(running)).state).toBe('running');
  expect(filesOf('dcn0', id)).not.toEqual([]);

  await succeeds('job', 'cancel', running);
  expect(await bench.ended(running)).toMatchObject({ state: 'cancelled', reasonCode: 'CANCELLED' });
  await waitFor('the partial image to be gone', () => filesOf('dcn0', id).length === 0);
  expect((await bench.image(id)).copies.map(({ storeId, state }) => `${storeId} ${state}`)).toEqual([
    'central present',
  ]);
  expectTextRefusal(await cli('job', 'cancel', running), {
    exit: 4,
    code: 'CONFLICT',
    says: 'has already ended: cancelled',
    hint: null,
  });

  // And the way is free for another try.
  bench.line.release();
  await succeeds('image', 'copy', id, '--stores', 'dcn0', '--wait');
}, 120_000);

test('delete-copy: every refusal of R8, then without a clone it goes', async () => {
  const id = await bench.bring('clones', sample, '--stores', 'dcn0');
  const before = await bench.state();
  const says = (sentence: string, hint: string, exit = 4, rule = 'R8') => ({
    exit,
    code: '',
    says: sentence,
    hint,
    rule,
  });
  const deleteCopy = (storeId: string) => cli('image', 'delete-copy', id, '--store', storeId);

  expectTextRefusal(
    await deleteCopy('dcn1'),
    says(`store dcn1 holds no copy of image ${id}`, 'image locations', 3),
  );
  expectTextRefusal(
    await deleteCopy('central'),
    says(`the central copy of image ${id} stays while dcn0 holds one`, 'delete the edge copies first'),
  );
  const clone = join(bench.poolFolder('dcn0'), 'clones', id, 'vm-1');
  mkdirSync(dirname(clone), { recursive: true });
  writeFileSync(clone, '');
  expectTextRefusal(
    await deleteCopy('dcn0'),
    says(`clones depend on image ${id} at dcn0: images/vm-1`, 'rbd flatten'),
  );
  expectTextRefusal(
    await cli('image', 'delete', id),
    says(`clones depend on image ${id} at dcn0: images/vm-1`, 'rbd flatten', 4, 'R9'),
  );
  rmSync(join(bench.poolFolder('dcn0'), 'clones'), { recursive: true });
  expect(await bench.state()).toEqual(before);

  await succeeds('image', 'delete-copy', id, '--store', 'dcn0', '--wait');
  expect(filesOf('dcn0', id)).toEqual([]);
  expectTextRefusal(
    await deleteCopy('central'),
    says(`central holds the last copy of image ${id}`, `entrepot image delete ${id}`),
  );

  const job = await copyInTheMiddle(id, 'dcn1');
  expectTextRefusal(
    await deleteCopy('central'),
    says(`job ${job} is about to use it`, 'delete the edge copies first'),
  );
  bench.line.release();
  expect((await bench.ended(job)).state).toBe('succeeded');
}, 120_000);

test('a protected image is deleted nowhere', async () => {
  const id = await bench.bring('protected', sample, '--protected', '--stores', 'dcn0');
  const before = await bench.state();
  const refused = {
    exit: 5,
    code: 'FORBIDDEN',
    says: `image ${id} is protected`,
    hint: 'take the protection off first',
  };
  expectTextRefusal(await cli('image', 'delete', id), { ...refused, rule: 'R9' });
  expectTextRefusal(await cli('image', 'delete-copy', id, '--store', 'dcn0'), { ...refused, rule: 'R8' });
  expect(await bench.state()).toEqual(before);
});

test('a full edge: the copy failed for that reason, nothing is in the way, and with more room it works', async () => {
  const id = await bench.bring('quota', sample);
  const dcn1 = bench.daemon('dcn1');
  const restart = async (quota?: number) => {
    expect(await dcn1.stop()).toBe(0);
    const driver = {
      type: 'file',
      folder: join(bench.folder, 'dcn1'),
      ...(quota !== undefined && { quota_bytes: quota }),
    };
    bench.configure('dcn1', { driver });
    await dcn1.start();
  };
  const usedBytes = readdirSync(bench.poolFolder('dcn1')).reduce(
    (sum, name) => sum + statSync(join(bench.poolFolder('dcn1'), name)).blocks * 512,
    0,
  );
  await restart(usedBytes + (DATA_MIB / 2) * MIB);

  const full = await cli('image', 'copy', id, '--stores', 'dcn0,dcn1', '--wait');
  // R7: the one that could be made is made.
  expect(full.exitCode).toBe(10);
  expect(full.stderr).toMatch(/dcn1: the store's quota of \d+ bytes is used up/);
  expect(await bench.holders(id)).toEqual(['central', 'dcn0']);
  const { copies } = await bench.image(id);
  expect(copies.find(({ storeId }) => storeId === 'dcn1')).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('quota'),
  });
  expect(filesOf('dcn1', id)).toEqual([]);
  expect((await cli('image', 'copy', id, '--stores', 'dcn1', '--wait')).exitCode).toBe(7);

  // All or nothing: what was made is taken back.
  await succeeds('image', 'delete-copy', id, '--store', 'dcn0', '--wait');
  const all = await cli('image', 'copy', id, '--stores', 'dcn0,dcn1', '--all-stores-must-succeed', '--wait');
  expect(all.exitCode).toBe(7);
  expect(await bench.holders(id)).toEqual(['central']);
  for (const storeId of ['dcn0', 'dcn1']) expect(filesOf(storeId, id)).toEqual([]);

  await restart();
  await succeeds('image', 'copy', id, '--stores', 'dcn1', '--wait');
  expect(readFileSync(bench.wholeFile('dcn1', id)).equals(readFileSync(sample))).toBe(true);
}, 60_000);

test('a delete reaches a site that was away when it is back; readers see nothing of the image meanwhile (R9)', async () => {
  const id = await bench.bring('tombstone', sample, '--stores', 'dcn1');
  await bench.daemon('dcn1').stop();
  const job = JSON.parse(await succeeds('-o', 'json', 'image', 'delete', id)) as ShownJob;
  await waitFor('central to be rid of it', () => filesOf('central', id).length === 0);
  expect(filesOf('dcn1', id)).not.toEqual([]);
  expect(await bench.calls.getImage(id).catch((error: unknown) => Refusal.from(error))).toMatchObject({
    code: 'NOT_FOUND',
  });
  await bench.daemon('dcn1').start();
  expect((await bench.ended(job.id)).state).toBe('succeeded');
  expect(filesOf('dcn1', id)).toEqual([]);
});
