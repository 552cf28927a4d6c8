import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../helpers-file.ts';

/** What docs/security.md promises: nobody waits longer for another's flood, on two cores that the flood shares. */
const BOUND_MS = 1000;

const FLOOD_SECONDS = 6;
const FLOODER = fileURLToPath(new URL('flooder.ts', import.meta.url));

let bench: Bench;
let id: string;
let reader: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  id = await bench.bring('calm', await bench.sample('calm', 16, 8));
  reader = join(bench.folder, 'operator-reader');
  const added = await bench.cloud.cli(
    'operator',
    'add',
    'reader',
    '--role',
    'reader',
    '--operator-credentials',
    reader,
  );
  expect(added.stderr).toBe('');
}, 120_000);
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

/** How long each of `show` took, one after the other, until `isOver`. */
async function answered(isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const startMs = performance.now();
    await bench.calls.getImage(id);
    times.push(performance.now() - startMs);
    // Well below what one identity may ask.
    await delay(20);
  }
  return times.sort((one, other) => one - other);
}

const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

test('a flood from one identity does not hold up another', async () => {
  const calmUntil = Date.now() + 1500;
  const calm = await answered(() => Date.now() > calmUntil);

  const flooder = spawn(
    process.execPath,
    [FLOODER, bench.cloud.hubAddress, reader, String(FLOOD_SECONDS), '8'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let printed = '';
  flooder.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  let isOver = false;
  const ended = once(flooder, 'close').then(() => {
    isOver = true;
  });
  const flooded = await answered(() => isOver);
  await ended;

  const answers = JSON.parse(printed) as Record<string, number>;
  const asked = Object.values(answers).reduce((sum, count) => sum + count, 0);
  const p99 = percentile(flooded, 0.99);
  console.log(
    `flood: ${asked} asked (${JSON.stringify(answers)}), another's p50 ${percentile(flooded, 0.5).toFixed(1)} ms and p99 ${p99.toFixed(1)} ms, without flood ${percentile(calm, 0.5).toFixed(1)} and ${percentile(calm, 0.99).toFixed(1)} ms`,
  );
  expect(asked).toBeGreaterThan(2000);
  expect(answers['RESOURCE_EXHAUSTED'] ?? 0).toBeGreaterThan(answers['OK'] ?? 0);
  expect(flooded.length).toBeGreaterThan(20);
  expect(p99).toBeLessThan(BOUND_MS);
  // The agents were served as well: nobody was taken for away.
  for (const storeId of bench.cloud.storeIds) await bench.daemon(storeId).ready();
  const hub = readFileSync(bench.cloud.hub.options.logPath, 'utf8');
  expect(hub).not.toContain('agent detached');
  // And the log did not become the victim: far fewer lines than questions.
  expect(hub.split('\n').length).toBeLessThan(asked);
}, 60_000);
