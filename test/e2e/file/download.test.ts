import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, expectTextRefusal, MIB } from '../helpers-file.ts';

/** More than what is fetched again after a kill. */
const DATA_MIB = 100;

let bench: Bench;
let sample: string;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  sample = await bench.sample('download', 160, DATA_MIB);
  id = await bench.bring('download', sample);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});
afterEach(() => {
  bench.line.mend();
  bench.line.release();
});

const target = (name: string) => join(bench.folder, name);
const download = (path: string, ...more: string[]) => ['image', 'download', id, '--file', path, ...more];

function expectSample(path: string): void {
  expect(readFileSync(path).equals(readFileSync(sample))).toBe(true);
  expect(statSync(path).blocks).toBeLessThanOrEqual(statSync(sample).blocks + 512);
  const beside = readdirSync(bench.folder).filter((name) => join(bench.folder, name).startsWith(`${path}.`));
  expect(beside).toEqual([]);
}

test('a download that is killed goes on from what it had flushed', async () => {
  const path = target('killed.raw');
  bench.line.holdAfter(90 * MIB);
  const first = bench.spawn(...download(path));
  await waitFor('a checkpoint', () => existsSync(`${path}.part.json`));
  await bench.line.held();
  first.child.kill('SIGKILL');
  await first.exited;
  expect(existsSync(path)).toBe(false);
  const { completeBytes, dataBytes } = JSON.parse(readFileSync(`${path}.part.json`, 'utf8')) as Record<
    string,
    number
  >;
  expect(dataBytes).toBeGreaterThanOrEqual(64 * MIB);
  expect(completeBytes).toBeGreaterThanOrEqual(dataBytes ?? 0);

  bench.line.release();
  const before = bench.line.forwardedBytes;
  const again = await bench.cloud.cli(...download(path, '--progress'));
  expect(again.exitCode, again.stderr).toBe(0);
  expect(again.stderr).toContain('already: goes on from there');
  // The first one's connection may still have had a window full for it.
  expect(bench.line.forwardedBytes - before).toBeLessThan((DATA_MIB - 64 + 24) * MIB);
  expectSample(path);
}, 120_000);

test('a download outlives a line that is cut, without anybody’s help', async () => {
  const path = target('cut.raw');
  bench.line.holdAfter(40 * MIB);
  const running = bench.spawn(...download(path));
  await bench.line.held();
  bench.line.cut();
  await waitFor('the note', () => running.stderr.includes('goes on as soon as it can'));
  bench.line.mend();
  bench.line.release();
  expect(await running.exited).toMatchObject({ exitCode: 0 });
  expectSample(path);
}, 120_000);

test('a download outlives the hub', async () => {
  const path = target('restarted.raw');
  bench.line.holdAfter(40 * MIB);
  const running = bench.spawn(...download(path));
  await bench.line.held();
  await bench.daemon('hub').kill('SIGKILL');
  bench.line.release();
  await waitFor('the note', () => running.stderr.includes('goes on as soon as it can'));
  await bench.cloud.startAll();
  expect(await running.exited).toMatchObject({ exitCode: 0 });
  expectSample(path);
}, 120_000);

test('a store that is named is read from, and refused while it has no copy', async () => {
  const path = target('edge.raw');
  expectTextRefusal(await bench.cloud.cli(...download(path, '--store', 'dcn0')), {
    exit: 4,
    code: 'CONFLICT',
    says: `dcn0 holds no copy of image ${id} to download from`,
    hint: 'image locations',
  });
  await bench.cloud.json('image', 'copy', id, '--stores', 'dcn0', '--wait');
  // Nothing comes from central.
  bench.line.cut();
  const { exitCode, stderr } = await bench.cloud.cli(...download(path, '--store', 'dcn0'));
  expect(exitCode, stderr).toBe(0);
  expectSample(path);
  rmSync(path);
}, 120_000);
