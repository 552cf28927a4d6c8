import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { waitFor } from '../../cloud/wait.ts';
import { HeldFiles } from '../held-files.ts';
import { Bench, MIB } from '../helpers-file.ts';
import { realQcow2 } from '../hostile-files.ts';
import {
  beginImport,
  expectNothingLeft,
  HeldFile,
  LOOPBACK_WEB,
  phaseOf,
  record,
  stage,
  staged,
  wasIn,
} from '../importing.ts';
import { children, killAndStart } from '../killing.ts';

/** Enough that each phase lasts longer than it takes to hear of it. */
const DISK_BYTES = 80 * MIB;

let bench: Bench;
let server: HeldFiles;
let disk: Buffer;
let qcow2: Buffer;
let packed: Buffer;

beforeAll(async () => {
  server = await HeldFiles.start();
  bench = await Bench.start({
    storeIds: ['central', 'dcn0'],
    agent: () => ({ web_download: LOOPBACK_WEB }),
    hub: { queue: { width_per_store: 8, retry: { first_delay_ms: 100, max_delay_ms: 1000 } } },
  });
  disk = readFileSync(await bench.sample('disk', DISK_BYTES / MIB, (DISK_BYTES / MIB) * 0.75));
  qcow2 = realQcow2(bench.folder, 'disk-of', disk);
  packed = gzipSync(qcow2, { level: 1 });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const HALF = DISK_BYTES / 2;

async function download(imageId: string, file: HeldFile, more: object = {}): Promise<Job> {
  return await server.download(bench, imageId, file, more);
}

/** Whether an attempt after this one would find something to go on with at central. */
function isKept(imageId: string): boolean {
  if (existsSync(join(bench.folder, 'credentials', 'staging-central', imageId, 'state'))) return true;
  const metadata = join(bench.poolFolder('central'), `entrepot.meta.${imageId}`);
  return existsSync(metadata) && /\\"nextChunk\\":[1-9]/.test(readFileSync(metadata, 'utf8'));
}

async function expectWhole(job: Job, storeIds = ['central'], bytes = disk): Promise<void> {
  const { imageId } = job;
  expect(await bench.ended(job.id)).toMatchObject({ state: 'succeeded', reason: '' });
  expect(await bench.image(imageId)).toMatchObject({ status: 'active', diskFormat: 'raw' });
  expect(await bench.holders(imageId)).toEqual(storeIds);
  for (const storeId of storeIds) {
    expect(readFileSync(bench.wholeFile(storeId, imageId)).equals(bytes)).toBe(true);
  }
}

/** Neither beside a store nor half in it. */
async function expectNoLeftovers(): Promise<void> {
  await waitFor(
    'all leftovers to be gone',
    () =>
      ['central', 'dcn0'].every(
        (id) => staged(bench, id).length === 0 && bench.disk(id).every((name) => !name.includes('partial')),
      ),
    10_000,
  );
}

/** An upload that gets half way, and no further. */
async function sendHalf(job: Job): Promise<AsyncDisposable> {
  const call = bench.calls.upload(job.id, new AbortController().signal);
  for (let offset = 0; offset < HALF; offset += MIB) {
    const last = (offset + MIB) % (4 * MIB) === 0;
    await call.write({ offset, data: disk.subarray(offset, offset + MIB), last });
  }
  return call;
}

describe('whatever is killed in the middle of imports', () => {
  test.each([['central'], ['hub']])(
    '%s, while bytes come in: downloads go on by themselves, uploads wait for their operator',
    async (victim) => {
      const ids = [await record(bench), await record(bench), await record(bench, { diskFormat: 'qcow2' })];
      const [stagedId = '', uploadedId = '', fetchedId = ''] = ids;
      const rawId = await record(bench);
      const none = { storeIds: [], allStores: false, allStoresMustSucceed: false, storeId: '' };
      const staging = await bench.calls.imports.stage({ imageId: stagedId, sizeBytes: DISK_BYTES });
      const upload = await bench.calls.imports.beginUpload({
        imageId: uploadedId,
        sizeBytes: DISK_BYTES,
        ...none,
      });
      await using _staged = await sendHalf(staging);
      await using _uploaded = await sendHalf(upload);
      const files = [new HeldFile(qcow2, HALF), new HeldFile(disk, HALF)] as const;
      const fetched = await download(fetchedId, files[0]);
      const raw = await download(rawId, files[1]);
      await waitFor('all to be under way', () => {
        const phases = [...ids, rawId].map((id) => phaseOf(bench, id));
        return phases.join() === 'staging,transferring,fetching,transferring';
      });

      await killAndStart(bench, victim);

      for (const file of files) file.release();
      await expectWhole(fetched);
      await expectWhole(raw);
      for (const { id } of [staging, upload]) {
        expect((await bench.calls.getJob(id)).state).toBe('running');
        await bench.calls.cancelJob(id);
        expect((await bench.ended(id)).state).toBe('cancelled');
      }
      await expectNothingLeft(bench, stagedId);
      await expectNothingLeft(bench, uploadedId);
      await expectNoLeftovers();
    },
    120_000,
  );

  test('central, while it fetches: the server is asked for the rest alone', async () => {
    // More than lies between two words of what is kept, in the store and beside it.
    const large = readFileSync(await bench.sample('large', 84, 80));
    const heldAt = 76 * MIB;
    const fetches = [
      { file: new HeldFile(large, heldAt), id: await record(bench) },
      {
        file: new HeldFile(realQcow2(bench.folder, 'large-of', large), heldAt),
        id: await record(bench, { diskFormat: 'qcow2' }),
      },
    ];
    const jobs = await Promise.all(fetches.map(({ id, file }) => download(id, file)));
    await waitFor('some of both to be kept', () => fetches.every(({ id }) => isKept(id)));

    await killAndStart(bench, 'central');

    for (const { file } of fetches) file.release();
    for (const job of jobs) await expectWhole(job, ['central'], large);
    for (const { file } of fetches) expect(file.askedFrom).toEqual([0, expect.toSatisfy((from) => from > 0)]);
    await expectNoLeftovers();
  }, 120_000);

  test.each([
    ['central', 'hashing', 'staging'],
    ['central', 'decompressing', 'web'],
    ['central', 'converting', 'staging'],
    ['central', 'publishing', 'web'],
    ['hub', 'converting', 'staging'],
    ['hub', 'publishing', 'web'],
  ])(
    '%s, while it is %s what came from %s: goes on by itself',
    async (victim, phase, from) => {
      const imageId = await record(bench, { diskFormat: 'qcow2' });
      if (from === 'staging') expect((await stage(bench, imageId, packed)).state).toBe('succeeded');
      const job =
        from === 'staging'
          ? await beginImport(bench, imageId, { glanceDirect: {} })
          : await download(imageId, new HeldFile(packed));
      // Some phases are over within the time that `waitFor` waits.
      const deadline = AbortSignal.timeout(20_000);
      while (!wasIn(bench, imageId, phase)) await delay(2, undefined, { signal: deadline });
      const convertors = phase === 'converting' && victim === 'central' ? children(bench, victim) : undefined;
      if (convertors) expect(convertors.length).toBeGreaterThan(0);

      await killAndStart(bench, victim);

      await expectWhole(job);
      await expectNoLeftovers();
    },
    120_000,
  );

  test('everything, while it is on its way to an edge, which must have it', async () => {
    bench.line.holdAfter(HALF / 2);
    const imageId = await record(bench);
    const target = { storeIds: ['dcn0'], allStoresMustSucceed: true };
    const job = await download(imageId, new HeldFile(disk), target);
    await bench.line.held();
    expect(await bench.image(imageId)).toMatchObject({
      status: 'importing',
      osGlanceImportingToStores: ['dcn0'],
    });
    await killAndStart(bench, 'hub', 'central', 'dcn0');
    bench.line.release();
    await expectWhole(job, ['central', 'dcn0']);
    await expectNoLeftovers();
  }, 120_000);
});

describe('staging is swept of what no job owns', () => {
  test('also of what was left by an agent before, and of what was deleted while the agent was away', async () => {
    const [waiting, deleted] = [await record(bench), await record(bench)];
    const small = disk.subarray(0, MIB);
    for (const id of [waiting, deleted]) expect((await stage(bench, id, small)).state).toBe('succeeded');
    await bench.daemon('central').kill('SIGKILL');
    const foreign = join(bench.folder, 'credentials', 'staging-central', randomUUID());
    mkdirSync(foreign, { mode: 0o700 });
    writeFileSync(join(foreign, 'data'), small);
    const job = await bench.calls.deleteImage(deleted);
    expect(staged(bench)).toHaveLength(3);
    await bench.daemon('central').start();
    await bench.ended(job.id);
    await waitFor('the rest to be swept', () => staged(bench).length === 1);
    // What waits for its import is not swept, however often the agent tells of it.
    await delay(2500);
    expect(staged(bench)).toEqual([waiting]);
    const imported = await beginImport(bench, waiting, { glanceDirect: {} });
    expect(await bench.ended(imported.id)).toMatchObject({ state: 'succeeded' });
    expect(staged(bench)).toEqual([]);
  }, 120_000);
});
