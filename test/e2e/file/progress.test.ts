import { truncateSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMPRESSIONS } from '../../../src/domain/compression.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, type CliProcess, MIB } from '../helpers-file.ts';

const SIZE_MIB = 64;
const DATA_MIB = 48;
const DATA_BYTES = DATA_MIB * MIB;
const HOLE_BYTES = SIZE_MIB * MIB - DATA_BYTES;
/** What is paced to this comes in bursts at first: never so fast as bytes that are only looked at. */
const RATE_MIB = 8;
const FASTEST_BYTES = 4 * RATE_MIB * MIB;

let bench: Bench;
let image: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0', 'dcn1'] });
  const sample = await bench.sample('image', DATA_MIB, DATA_MIB);
  // Its end is a hole.
  truncateSync(sample, SIZE_MIB * MIB);
  image = await bench.bring('image', sample);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

interface Line {
  readonly name: string | null;
  readonly phase: string;
  readonly done_bytes: number;
  readonly total_bytes: number;
  readonly rate_bytes_per_second: number | null;
  readonly remaining_seconds: number | null;
  readonly reason: string | null;
  readonly paused: boolean;
  readonly received_bytes: number;
  readonly wire_bytes: number;
  readonly hole_bytes: number;
  readonly resumed_bytes: number;
  readonly compression: string | null;
}

/** All that `job watch -o json` has said of stores so far. */
function linesOf({ stderr }: CliProcess): Line[] {
  const whole = stderr.slice(0, stderr.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line.startsWith('{"progress"'))
    .map((line) => (JSON.parse(line) as { progress: Line }).progress)
    .filter(({ name }) => name !== null);
}

/** The newest line, once it is as wanted. */
async function seen(what: string, watching: CliProcess, isWanted: (line: Line) => boolean): Promise<Line> {
  return await waitFor(what, async () => {
    const line = linesOf(watching).at(-1);
    return line !== undefined && isWanted(line) ? line : undefined;
  });
}

async function metric(daemon: string, name: string, labels: string): Promise<number> {
  const text = await bench.daemon(daemon).metrics();
  return Number(new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Moving, at about the rate it is paced to, with a time left that follows from it. */
const isPaced = (line: Line) => {
  const { rate_bytes_per_second: rate, remaining_seconds: remaining } = line;
  if (line.phase !== 'transferring' || rate === null || remaining === null) return false;
  const left = (line.total_bytes - line.done_bytes) / rate;
  return (
    rate > (RATE_MIB * MIB) / 2 && rate < FASTEST_BYTES && remaining <= left + 0.01 && remaining > left / 2
  );
};

test('a copy is watched: its rate, its standstill, what it resumed, and what it came to', async () => {
  const { calls, cloud } = bench;
  await calls.setStore('dcn0', `${RATE_MIB}M`);
  const job = await bench.copy(image, 'dcn0');
  const watching = bench.spawn('-o', 'json', 'job', 'watch', job.id);
  const moving = await seen('a rate', watching, isPaced);
  expect(moving).toMatchObject({
    total_bytes: DATA_BYTES,
    hole_bytes: HOLE_BYTES,
    resumed_bytes: 0,
  });
  expect(moving.wire_bytes).toBeGreaterThan(0);
  const { compression } = await seen(
    'the choice of compression',
    watching,
    (line) => line.compression !== null,
  );
  expect(COMPRESSIONS).toContain(compression);
  expect(await metric('hub', 'entrepot_store_transfers', 'store="dcn0"')).toBe(1);
  expect(await metric('hub', 'entrepot_store_transfer_bytes_per_second', 'store="dcn0"')).toBeGreaterThan(
    MIB,
  );

  // More than the first checkpoint, then the agent is gone and comes back.
  await seen('a checkpoint', watching, ({ done_bytes: done }) => done > 24 * MIB);
  await bench.daemon('dcn0').kill('SIGKILL');
  bench.daemon('dcn0').spawn();
  const resumed = await seen('the rest', watching, (line) => line.resumed_bytes > 0 && isPaced(line));
  expect(resumed.done_bytes).toBeGreaterThanOrEqual(resumed.resumed_bytes);

  await calls.pauseJob(job.id);
  const still = await seen('a standstill', watching, (line) => line.rate_bytes_per_second === 0);
  expect(still).toMatchObject({ paused: true, reason: 'the job is paused', remaining_seconds: null });
  // What stands still is shown where it stands.
  expect(still.done_bytes).toBe(await metric('dcn0', 'entrepot_agent_copy_done_bytes', `image="${image}"`));
  expect((await cloud.cli('job', 'list')).stdout).toContain('the job is paused');
  await calls.setStore('dcn0', 'off');
  await calls.resumeJob(job.id);

  const { exitCode, stdout } = await watching.exited;
  expect(exitCode).toBe(0);
  const { totals, progress } =
    (JSON.parse(stdout) as { tasks: { totals: Line; progress: unknown }[] }).tasks[0] ?? {};
  expect(progress).toBeNull();
  const { received_bytes: received = 0, resumed_bytes: again = 0 } = totals ?? {};
  // The attempt that was killed said nothing at its end.
  expect(received + again).toBe(DATA_BYTES);
  expect(totals).toMatchObject({ hole_bytes: HOLE_BYTES, wire_bytes: expect.any(Number) });
  for (const line of linesOf(watching)) expect(line.rate_bytes_per_second ?? 0).toBeLessThan(FASTEST_BYTES);
  const phases = new Set(linesOf(watching).map(({ phase }) => phase));
  for (const phase of ['transferring', 'waiting', 'done']) expect(phases).toContain(phase);

  const shown = await cloud.cli('job', 'show', job.id);
  expect(shown.stdout).toMatch(/^dcn0 done, \S+ MiB received in .* on the wire.*MiB holes, \S+ MiB resumed/m);
  const events = await cloud.json<{ kind: string; job_id: string; detail: object }[]>(
    'event',
    'list',
    '--image',
    image,
    '--store',
    'dcn0',
  );
  const ended = events.find(({ kind, job_id: id }) => kind === 'task.done' && id === job.id);
  expect(ended?.detail).toMatchObject({
    receivedBytes: received,
    resumedBytes: again,
    seconds: expect.any(Number),
  });
}, 90_000);

test('a job held up by a paused store says so where jobs are listed', async () => {
  const { calls, cloud } = bench;
  await calls.pauseStore('dcn1');
  const job = await bench.copy(image, 'dcn1');
  const listed = await cloud.json<{ id: string; reason: string }[]>('job', 'list');
  expect(listed.find(({ id }) => id === job.id)?.reason).toBe('store dcn1 is paused');
  await calls.resumeStore('dcn1');
  expect((await bench.ended(job.id)).state).toBe('succeeded');
}, 60_000);
