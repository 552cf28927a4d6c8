import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { TestServer } from '../../unit/fetch/http-bench.ts';
import { DISK_BYTES, noise, qcow2File } from '../../unit/image/inspect/files.ts';
import { Bench, MIB } from '../helpers-file.ts';
import { type HostileFile, hostileFiles, MAX_VIRTUAL_SIZE_BYTES, realQcow2 } from '../hostile-files.ts';
import { beginImport, expectNothingLeft, LOOPBACK_WEB, record, send, stage, staged } from '../importing.ts';

/** What a file that is refused may cost: of the agent, all its threads, and the programs it starts. */
const CPU_LIMIT_SECONDS = 1;

/** What the agent may have grown by when all of them were refused. */
const MEMORY_LIMIT_KIB = 96 * 1024;

/** Files of the server, by their path. */
const served = new Map<string, Buffer>();

let bench: Bench;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start(({ url = '' }, response) => response.end(served.get(url)));
  bench = await Bench.start({
    storeIds: ['central'],
    agent: () => ({
      imports: { max_virtual_size_bytes: MAX_VIRTUAL_SIZE_BYTES },
      web_download: LOOPBACK_WEB,
    }),
  });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

type WayIn = (imageId: string, bytes: Buffer) => Promise<Job>;

/** As the command would not: nothing is looked at on this side. */
const viaStaging: WayIn = async (imageId, bytes) => {
  const staging = await stage(bench, imageId, bytes);
  if (staging.state !== 'succeeded') return staging;
  return await bench.ended((await beginImport(bench, imageId, { glanceDirect: {} })).id);
};

const viaUpload: WayIn = async (imageId, bytes) => {
  const none = { storeId: '', storeIds: [], allStores: false, allStoresMustSucceed: false };
  const job = await bench.calls.imports.beginUpload({ imageId, sizeBytes: bytes.length, ...none });
  await send(bench, job.id, bytes);
  return await bench.ended(job.id);
};

const viaWeb: WayIn = async (imageId, bytes) => {
  served.set(`/${imageId}`, bytes);
  const uri = server.url(`/${imageId}`);
  return await bench.ended((await beginImport(bench, imageId, { webDownload: { uri } })).id);
};

async function expectRefused({ declared, bytes, says }: HostileFile, wayIn: WayIn): Promise<string> {
  const imageId = await record(bench, { diskFormat: declared });
  const before = cpuSeconds();
  const { state, reason } = await wayIn(imageId, bytes);
  const takenSeconds = cpuSeconds() - before;
  expect(reason).toMatch(says);
  expect(state).toBe('failed');
  expect(takenSeconds).toBeLessThan(CPU_LIMIT_SECONDS);
  expect((await expectNothingLeft(bench, imageId)).sizeBytes).toBeUndefined();
  const [last] = await bench.calls.listJobs({ imageId, all: true, limit: 1 });
  expect(last?.reason).toBe(reason);
  return imageId;
}

async function expectTakenIn(imageId: string, bytes: Buffer, wayIn: WayIn, raw: Buffer): Promise<void> {
  expect(await wayIn(imageId, bytes)).toMatchObject({ state: 'succeeded', reason: '' });
  expect(await bench.image(imageId)).toMatchObject({ status: 'active', diskFormat: 'raw' });
  expect(readFileSync(bench.wholeFile('central', imageId)).equals(raw)).toBe(true);
}

/** Of the agent, and of its children that have ended. */
function cpuSeconds(): number {
  const stat = readFileSync(`/proc/${bench.daemon('central').pid}/stat`, 'utf8').replace(/^.*\) /, '');
  // utime, stime, cutime and cstime of proc(5), in hundredths.
  const times = stat.split(' ').slice(11, 15);
  return times.reduce((sum, time) => sum + Number(time), 0) / 100;
}

/** The most that the agent ever had in memory. */
function peakKib(): number {
  const status = readFileSync(`/proc/${bench.daemon('central').pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

describe('hostile files', () => {
  test('each is refused with its reason, by little work and in little memory, and leaves nothing', async () => {
    const disk = noise(DISK_BYTES);
    const good = realQcow2(bench.folder, 'good', disk);
    const warm = await record(bench, { diskFormat: 'qcow2' });
    await expectTakenIn(warm, good, viaStaging, disk);
    const beforeKib = peakKib();
    const imageIds: string[] = [];
    for (const file of hostileFiles(bench.folder)) {
      imageIds.push(
        await expectRefused(file, viaStaging).catch((error: unknown) => {
          throw new Error(`${file.name}: ${String(error)}`, { cause: error });
        }),
      );
    }
    expect(peakKib() - beforeKib).toBeLessThan(MEMORY_LIMIT_KIB);
    expect(staged(bench)).toEqual([]);
    expect(bench.disk('central').every((name) => name.includes(warm))).toBe(true);
    // A record is none the worse for what was refused.
    await expectTakenIn(imageIds[0] ?? '', good, viaStaging, disk);
  }, 90_000);

  const header = qcow2File();
  test.each<[string, WayIn, HostileFile['declared'], Buffer, RegExp]>([
    [
      'raw that looks like qcow2, uploaded',
      viaUpload,
      'raw',
      Buffer.concat([header, noise(MIB)]),
      /is qcow2/,
    ],
    ['qcow2, uploaded as if it were raw', viaUpload, 'qcow2', header, /unpacked or converted first/],
    ['gzip, uploaded as if it were raw', viaUpload, 'raw', gzipSync(noise(MIB)), /unpacked or converted/],
    ['an empty file from the web', viaWeb, 'raw', Buffer.alloc(0), /empty/],
    ['raw that looks like qcow2, from the web', viaWeb, 'raw', header, /is qcow2, but was declared as raw/],
    ['raw from the web that is no qcow2', viaWeb, 'qcow2', noise(2 * MIB), /is raw, but was declared as/],
    ['a gzip bomb from the web', viaWeb, 'raw', gzipSync(Buffer.alloc(256 * MIB)), /more than 1000 times/],
  ])('%s: is refused, and the record takes another file', async (name, wayIn, declared, bytes, says) => {
    const imageId = await expectRefused({ name, declared, bytes, says }, wayIn);
    const disk = noise(DISK_BYTES);
    if (declared === 'raw') await expectTakenIn(imageId, disk, wayIn, disk);
    else await expectTakenIn(imageId, realQcow2(bench.folder, 'again', disk), viaStaging, disk);
  });

  test('nothing at all is refused before anything begins', async () => {
    const imageId = await record(bench);
    const refused = await stage(bench, imageId, Buffer.alloc(0)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'INVALID', message: 'an image of 0 bytes cannot be taken in' });
    expect((await bench.image(imageId)).status).toBe('queued');
  });

  test('a staged file that somebody cut is not imported', async () => {
    const imageId = await record(bench);
    expect((await stage(bench, imageId, noise(2 * MIB))).state).toBe('succeeded');
    truncateSync(join(bench.folder, 'credentials', 'staging-central', imageId, 'data'), MIB);
    const { id } = await beginImport(bench, imageId, { glanceDirect: {} });
    expect(await bench.ended(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining(`of ${2 * MIB} bytes that were staged ${MIB} are here`),
    });
    await expectNothingLeft(bench, imageId);
  });
});
