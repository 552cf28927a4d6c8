import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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

const DISK_BYTES = 48 * MIB;

/** What dcn1 has room for. */
const LITTLE_BYTES = 8 * MIB;

let bench: Bench;
let server: HeldFiles;
let disk: Buffer;
let packed: Buffer;

beforeAll(async () => {
  server = await HeldFiles.start();
  bench = await Bench.start({
    agent: () => ({ web_download: LOOPBACK_WEB }),
    driver: (storeId, folder) => ({
      type: 'file',
      folder: join(folder, storeId),
      ...(storeId === 'dcn1' && { quota_bytes: LITTLE_BYTES }),
    }),
  });
  disk = readFileSync(await bench.sample('disk', DISK_BYTES / MIB, DISK_BYTES / MIB));
  packed = gzipSync(realQcow2(bench.folder, 'disk-of', disk), { level: 1 });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});
afterEach(() => {
  bench.line.release();
});

async function download(imageId: string, file: HeldFile, more: object): Promise<Job> {
  return await server.download(bench, imageId, file, more);
}

const BOTH = { storeIds: ['dcn0', 'dcn1'] };

describe('an import to several stores, of which one is full (R12)', () => {
  test('with failures allowed: active, the failed store is listed with its reason, the others have it', async () => {
    bench.line.holdAfter(LITTLE_BYTES / 2);
    const imageId = await record(bench);
    const file = new HeldFile(disk, MIB);
    const job = await download(imageId, file, BOTH);
    await waitFor('bytes', () => phaseOf(bench, imageId) === 'transferring');
    const before = await bench.image(imageId);
    expect(before).toMatchObject({ status: 'importing', osGlanceFailedImport: [] });
    expect(before.osGlanceImportingToStores).toEqual(['central', 'dcn0', 'dcn1']);
    file.release();
    await bench.line.held();
    // Active when central has it, while edges are being filled.
    const during = await bench.image(imageId);
    expect(during.status).toBe('active');
    expect(during.osGlanceImportingToStores).toContain('dcn0');
    expect(during.osGlanceImportingToStores).not.toContain('central');
    bench.line.release();

    expect(await bench.ended(job.id)).toMatchObject({ state: 'partial', reasonCode: 'NO_SPACE' });
    const { copies, ...after } = await bench.image(imageId);
    expect(after).toMatchObject({
      status: 'active',
      osGlanceImportingToStores: [],
      osGlanceFailedImport: ['dcn1'],
    });
    expect(copies.find(({ storeId }) => storeId === 'dcn1')).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/bytes|space|quota|room/),
    });
    expect(await bench.holders(imageId)).toEqual(['central', 'dcn0']);
    expect(readFileSync(bench.wholeFile('dcn0', imageId)).equals(disk)).toBe(true);
  });

  test('without: taken back everywhere, with the reason, and the record can be imported again', async () => {
    const imageId = await record(bench, { diskFormat: 'qcow2' });
    const more = { ...BOTH, allStoresMustSucceed: true };
    const job = await download(imageId, new HeldFile(packed), more);
    const failed = await bench.ended(job.id);
    expect(failed).toMatchObject({ state: 'failed', reasonCode: 'NO_SPACE' });
    expect(failed.reason).not.toBe('');
    const { osGlanceFailedImport, copies, ...image } = await expectNothingLeft(bench, imageId);
    expect(osGlanceFailedImport).toEqual(['dcn1']);
    expect(copies).toMatchObject([{ storeId: 'dcn1', reason: expect.stringContaining('quota of') }]);
    // As it was before: not what the first import had made of it.
    expect(image).toMatchObject({ diskFormat: 'qcow2', properties: {}, root: '', checksum: '' });
    expect(image.sizeBytes).toBeUndefined();

    const again = await download(imageId, new HeldFile(packed), { ...more, storeIds: ['dcn0'] });
    expect(await bench.ended(again.id)).toMatchObject({ state: 'succeeded', reason: '' });
    expect(await bench.holders(imageId)).toEqual(['central', 'dcn0']);
    expect(await bench.image(imageId)).toMatchObject({ status: 'active', osGlanceFailedImport: [] });
  });
});

test('an image that was adopted is never removed by taking its import back, nor by what is tried next', async () => {
  const imageId = randomUUID();
  await bench.calls.createImage({ id: imageId, name: 'adopted' });
  const path = bench.wholeFile('central', imageId);
  writeFileSync(path, disk, { mode: 0o444 });
  const adopt = { storeId: '', pool: 'images', image: imageId, move: true };
  const must = { storeIds: ['dcn1'], allStoresMustSucceed: true };
  const job = await beginImport(bench, imageId, { adopt, ...must });
  expect(await bench.ended(job.id)).toMatchObject({ state: 'failed', reasonCode: 'NO_SPACE' });
  expect((await bench.image(imageId)).status).toBe('queued');
  expect(readFileSync(path).equals(disk)).toBe(true);

  const other = await download(imageId, new HeldFile(disk.subarray(0, MIB)), {});
  expect(await bench.ended(other.id)).toMatchObject({ state: 'failed', reasonCode: 'CONFLICT' });
  expect(readFileSync(path).equals(disk)).toBe(true);

  const again = await beginImport(bench, imageId, { adopt, storeIds: ['dcn0'] });
  expect(await bench.ended(again.id)).toMatchObject({ state: 'succeeded', reason: '' });
  expect(await bench.holders(imageId)).toEqual(['central', 'dcn0']);
  expect(readFileSync(bench.wholeFile('dcn0', imageId)).equals(disk)).toBe(true);
});

describe('an import that is cancelled leaves nothing', () => {
  async function cancelled(job: Job): Promise<void> {
    // Some phases are over before the hub has heard of the wish.
    const { pid } = bench.daemon('central');
    process.kill(pid, 'SIGSTOP');
    try {
      await bench.calls.cancelJob(job.id);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await bench.ended(job.id)).state).toBe('cancelled');
    await expectNothingLeft(bench, job.imageId);
    expect(staged(bench)).toEqual([]);
  }

  const reached = async (imageId: string, phase: string) => {
    const deadline = AbortSignal.timeout(20_000);
    while (!wasIn(bench, imageId, phase)) await delay(2, undefined, { signal: deadline });
  };

  test.each(['fetching', 'decompressing', 'converting', 'hashing'])('while it is %s', async (phase) => {
    const imageId = await record(bench, { diskFormat: 'qcow2' });
    const file = new HeldFile(packed, phase === 'fetching' ? packed.length / 2 : undefined);
    const job = await download(imageId, file, {});
    await reached(imageId, phase);
    await cancelled(job);
  });

  test('while it is staged; and a staged file is imported by nobody else', async () => {
    const imageId = await record(bench);
    const job = await bench.calls.imports.stage({ imageId, sizeBytes: DISK_BYTES });
    await using call = bench.calls.upload(job.id, new AbortController().signal);
    await call.write({ offset: 0, data: disk.subarray(0, MIB), last: false });
    await reached(imageId, 'staging');
    const early = await beginImport(bench, imageId, { glanceDirect: {} }).catch((error: unknown) => error);
    expect(early).toMatchObject({
      code: 'CONFLICT',
      message: `job ${job.id} (stage) is at work on image ${imageId}`,
    });
    await cancelled(job);
  });

  test('while it is on its way to an edge that must have it', async () => {
    bench.line.holdAfter(LITTLE_BYTES);
    const imageId = await record(bench);
    const job = await download(imageId, new HeldFile(disk), {
      storeIds: ['dcn0'],
      allStoresMustSucceed: true,
    });
    await bench.line.held();
    await cancelled(job);
    bench.line.release();
    expect((await stage(bench, imageId, disk)).state).toBe('succeeded');
    const again = await beginImport(bench, imageId, { glanceDirect: {} });
    expect(await bench.ended(again.id)).toMatchObject({ state: 'succeeded' });
  });
});
