import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, MIB } from '../helpers-file.ts';

/** Without holes, so that what is counted on the line is what is paced. */
const DATA_BYTES = 40 * MIB;

/** Beyond its rate a bucket gives 0.1 s of it and four takes; two frames more may be on their way at a change. */
const SLACK_BYTES = 6 * MIB;

/** Headers of HTTP/2 and of frames, calls and pings. */
const OVERHEAD_BYTES = MIB;

let bench: Bench;
let sample: string;
/** At central. */
let image: string;
let other: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0', 'dcn1'] });
  sample = await bench.sample('paced', DATA_BYTES / MIB, DATA_BYTES / MIB);
  image = await bench.bring('image', sample);
  other = await bench.bring('other', sample);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

async function sending(): Promise<void> {
  const before = bench.line.forwardedBytes;
  await waitFor('bytes on the line', () => bench.line.forwardedBytes > before + MIB);
}

/** What goes over the line in the next seconds is about so many MiB of them each. */
async function expectRate(mib: number, seconds: number): Promise<void> {
  const [bytes, atMs] = [bench.line.forwardedBytes, performance.now()];
  await delay(seconds * 1000);
  const moved = bench.line.forwardedBytes - bytes;
  const tookSeconds = (performance.now() - atMs) / 1000;
  expect(moved).toBeLessThan(mib * MIB * (tookSeconds + 0.1) + SLACK_BYTES);
  expect(moved).toBeGreaterThan((mib * MIB * tookSeconds) / 2 - MIB);
}

/** But for pings. */
async function expectNothing(seconds: number): Promise<void> {
  // What had been let go before is through by then.
  await delay(500);
  const before = bench.line.forwardedBytes;
  await delay(seconds * 1000);
  expect(bench.line.forwardedBytes - before).toBeLessThan(64 * 1024);
}

/** Image bytes that have come in at a store, of all copies. */
async function received(storeId: string): Promise<number> {
  const scrape = await bench.daemon(storeId).metrics();
  return Number(/^entrepot_agent_bytes_total\{kind="received"\} (\d+)$/m.exec(scrape)?.[1]);
}

async function copy(imageId: string, storeId: string, lane: string): Promise<string> {
  const request = { imageId, storeIds: [storeId], allStores: false, allStoresMustSucceed: false, lane };
  const { job } = await bench.calls.copyImage(request);
  return job?.id ?? '';
}

async function restartHub(storeId: string): Promise<void> {
  const attached = (state: 0 | 1) =>
    waitFor(`the agent of ${storeId} to see it`, async () => {
      return (await bench.daemon(storeId).metrics()).includes(`entrepot_agent_attached ${state}\n`);
    });
  await bench.cloud.hub.kill('SIGKILL');
  await attached(0);
  bench.cloud.hub.spawn();
  await bench.cloud.hub.ready();
  await attached(1);
}

/** Whole, in one attempt, and nothing sent twice. */
async function expectCopied(imageId: string, storeId: string, before: number): Promise<void> {
  expect(readFileSync(bench.wholeFile(storeId, imageId)).equals(readFileSync(sample))).toBe(true);
  expect(bench.traffic(storeId, imageId)).toMatchObject({ attempt: 1, resumedBytes: 0 });
  expect(bench.line.forwardedBytes - before).toBeLessThan(DATA_BYTES + OVERHEAD_BYTES);
}

test('a copy keeps to the rate of its store and of its job, and stands still while it is paused', async () => {
  const { calls } = bench;
  await calls.setStore('dcn0', '5M');
  const before = bench.line.forwardedBytes;
  const job = await bench.copy(image, 'dcn0');
  await sending();
  await expectRate(5, 2);
  await calls.setJobRate(job.id, '1M');
  await expectRate(1, 2);
  await calls.pauseJob(job.id);
  await expectNothing(1);
  await restartHub('central');
  await expectNothing(1);
  await calls.pauseStore('dcn0');
  await calls.resumeJob(job.id);
  await expectNothing(1);
  await calls.setJobRate(job.id, 'off');
  await calls.setStore('dcn0', 'off');
  await calls.resumeStore('dcn0');
  expect((await bench.ended(job.id)).state).toBe('succeeded');
  await expectCopied(image, 'dcn0', before);
}, 60_000);

test('so does an image that is born at an edge, on its way to central', async () => {
  const { calls } = bench;
  const id = '5d0f5d0f-0000-4000-8000-000000000004';
  await calls.setStore('dcn0', '5M');
  const before = bench.line.forwardedBytes;
  const create = ['image', 'create', '--name', 'pushed', '--id', id, '--file', sample];
  bench.spawn(...create, '--store', 'dcn0');
  await sending();
  await expectRate(5, 2);
  await calls.setStore('central', '1M');
  await expectRate(1, 2);
  await calls.pauseStore('central');
  await expectNothing(1);
  await restartHub('dcn0');
  await expectNothing(1);
  await calls.setStore('dcn0', 'off');
  await calls.setStore('central', 'off');
  await calls.resumeStore('central');
  await waitFor('central to hold it', async () => (await bench.holders(id)).includes('central'));
  await expectCopied(id, 'central', before);
}, 60_000);

test('what is held can be cancelled, and leaves nothing', async () => {
  const { calls } = bench;
  await calls.setStore('central', '4M');
  const { id: jobId } = await bench.copy(other, 'dcn0');
  await sending();
  await calls.pauseJob(jobId);
  await calls.cancelJob(jobId);
  expect((await bench.ended(jobId)).state).toBe('cancelled');
  expect(bench.disk('dcn0').filter((name) => name.includes(other))).toEqual([]);
  await calls.setStore('central', 'off');
});

test('an image that somebody waits for overtakes a pre-placement', async () => {
  const { calls } = bench;
  // Both stand in line before the first byte goes.
  await calls.setStore('central', '1K');
  await copy(other, 'dcn0', 'background');
  await copy(image, 'dcn1', 'demand');
  await waitFor('both to wait', async () => {
    return (await bench.daemon('central').metrics()).includes('entrepot_agent_pace_waiting 2\n');
  });
  const before = await received('dcn0');
  await calls.setStore('central', '8M');
  await waitFor('half of it', async () => (await received('dcn1')) > DATA_BYTES / 2);
  expect((await received('dcn0')) - before).toBeLessThan(DATA_BYTES / 4);
}, 60_000);
