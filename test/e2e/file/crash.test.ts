import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/cli/wire.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, expectTextRefusal, MIB } from '../helpers-file.ts';

/** Without holes, so that what the agent counts and what goes over the line are the same bytes. */
const DATA_BYTES = 144 * MIB;

/** Where a copy is when something breaks: more has moved than may be sent again. */
const MOVED_BYTES = 112 * MIB;

/** What may be sent again after anything was cut: what the README promises. */
const RESENT_BYTES = 64 * MIB;

/** Headers of HTTP/2 and of frames, calls and pings. */
const OVERHEAD_BYTES = MIB;

let bench: Bench;
let sample: string;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  sample = await bench.sample('crash', DATA_BYTES / MIB, DATA_BYTES / MIB);
  id = await bench.bring('crash', sample);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

interface Broken {
  readonly job: Job;
  /** On the line when the copy began. */
  readonly before: number;
}

/** A copy that has moved MOVED_BYTES to the other end of the line, and moves no more until it is released. */
async function breakable(): Promise<Broken> {
  const before = bench.line.forwardedBytes;
  bench.line.holdAfter(MOVED_BYTES);
  const job = await bench.copy(id, 'dcn0');
  await bench.line.held();
  // What has come over the line is in the agent's hands, but for its window.
  await waitFor('the agent to have taken it in', async () => (await doneBytes()) >= MOVED_BYTES - 32 * MIB);
  return { job, before };
}

async function doneBytes(): Promise<number> {
  const scrape = await bench.daemon('dcn0').metrics();
  return Number(/^entrepot_agent_copy_done_bytes\{.*\} (\d+)$/m.exec(scrape)?.[1] ?? 0);
}

/** The job has ended well by itself, the copy is whole, and little was sent twice. */
async function goesOn({ job, before }: Broken): Promise<void> {
  expect(await bench.ended(job.id)).toMatchObject({ state: 'succeeded', reason: '' });
  expect(await bench.holders(id)).toEqual(['central', 'dcn0']);
  expect(bench.disk('dcn0').map((name) => name.split(' ')[0])).toEqual([id, `entrepot.meta.${id}`].sort());
  expect(readFileSync(bench.wholeFile('dcn0', id)).equals(readFileSync(sample))).toBe(true);
  const { copies, root } = await bench.image(id);
  expect(copies.find(({ storeId }) => storeId === 'dcn0')).toMatchObject({
    state: 'present',
    verifiedRoot: root,
  });

  const sent = bench.line.forwardedBytes - before;
  const traffic = bench.traffic('dcn0', id) ?? { resumedBytes: Number.NaN, receivedBytes: Number.NaN };
  const resumed = Number(traffic['resumedBytes']);
  const received = Number(traffic['receivedBytes']);
  // By the line, and by what the agent says of its last attempt.
  expect(sent - DATA_BYTES - OVERHEAD_BYTES).toBeLessThanOrEqual(RESENT_BYTES);
  expect(resumed).toBeGreaterThanOrEqual(MOVED_BYTES - RESENT_BYTES);
  expect(resumed + received).toBe(DATA_BYTES);
}

const kill = (...names: string[]) => Promise.all(names.map((name) => bench.daemon(name).kill('SIGKILL')));

async function start(...names: string[]): Promise<void> {
  for (const name of names) bench.daemon(name).spawn();
  await Promise.all(names.map((name) => bench.daemon(name).ready()));
}

describe('whatever breaks in the middle of a copy, it goes on by itself and sends little again', () => {
  afterEach(async () => {
    bench.line.mend();
    bench.line.release();
    if ((await bench.holders(id)).includes('dcn0')) {
      const { id: jobId } = await bench.calls.deleteCopy(id, 'dcn0');
      expect((await bench.ended(jobId)).state).toBe('succeeded');
    }
  });

  test.each([
    ['the edge agent', ['dcn0']],
    ['the source agent', ['central']],
    ['all three', ['hub', 'central', 'dcn0']],
  ])(
    'SIGKILL of %s',
    async (_what, names) => {
      const broken = await breakable();
      await kill(...names);
      // While it is not whole, it has no location and no name of its own.
      expect(bench.disk('dcn0').map((name) => name.split(' ')[0])).toContain(`entrepot.partial.${id}`);
      bench.line.release();
      await start(...names);
      await goesOn(broken);
    },
    120_000,
  );

  test('SIGKILL of the hub: the agents do not even stop', async () => {
    const { job, before } = await breakable();
    await kill('hub');
    await waitFor('the agent to see it', async () =>
      (await bench.daemon('dcn0').metrics()).includes('entrepot_agent_attached 0'),
    );
    await start('hub');
    await waitFor('the agent to be back', async () =>
      (await bench.daemon('dcn0').metrics()).includes('entrepot_agent_attached 1'),
    );
    bench.line.release();
    expect((await bench.ended(job.id)).state).toBe('succeeded');
    expect(readFileSync(bench.wholeFile('dcn0', id)).equals(readFileSync(sample))).toBe(true);
    // The attempt that ran when the hub died is the one that ended: nothing at all was sent again.
    expect(bench.traffic('dcn0', id)).toMatchObject({ attempt: 1, resumedBytes: 0 });
    expect(bench.line.forwardedBytes - before).toBeLessThan(DATA_BYTES + 16 * MIB);
  }, 120_000);

  test('the link cut', async () => {
    const broken = await breakable();
    bench.line.cut();
    bench.line.release();
    await waitFor('the hub to be told', async () => {
      const { copies } = await bench.image(id);
      return copies.some(
        ({ storeId, state, reason }) => storeId === 'dcn0' && state === 'copying' && reason !== '',
      );
    });
    const { copies } = await bench.image(id);
    const { reason = '' } = copies.find(({ storeId }) => storeId === 'dcn0') ?? {};
    expect(reason).toContain(`agent of store central at ${bench.line.address}`);
    bench.line.mend();
    await goesOn(broken);
  }, 120_000);

  test('SIGTERM of the edge agent: it puts away what it has, ends well, and goes on when it is back', async () => {
    const broken = await breakable();
    const startedAtMs = Date.now();
    expect(await bench.daemon('dcn0').stop()).toBe(0);
    expect(Date.now() - startedAtMs).toBeLessThan(20_000);
    bench.line.release();
    await start('dcn0');
    await goesOn(broken);
    // All that it had taken in was kept, not only what was due for a checkpoint.
    expect(Number(bench.traffic('dcn0', id)?.['resumedBytes'])).toBeGreaterThanOrEqual(
      MOVED_BYTES - 32 * MIB,
    );
  }, 120_000);
});

test('while the hub is down the agents stay, say why they are not ready, and come back by themselves', async () => {
  const ready = async (name: string) => {
    const answer = await fetch(`http://127.0.0.1:${bench.daemon(name).options.httpPort}/readyz`);
    return { status: answer.status, ...((await answer.json()) as { detail: string }) };
  };
  const { pid } = bench.daemon('dcn0');
  expect(await bench.cloud.hub.stop()).toBe(0);
  for (const name of ['central', 'dcn0']) {
    await waitFor(`${name} to notice`, async () => (await ready(name)).status === 503);
    expect((await ready(name)).detail).toMatch(/^hub: /);
  }
  await waitFor('the reason to be that nobody answers', async () =>
    (await ready('dcn0')).detail.includes(`cannot reach hub at ${bench.cloud.hubAddress}`),
  );
  expectTextRefusal(await bench.cloud.cli('store', 'list'), {
    exit: 6,
    code: 'UNAVAILABLE',
    says: 'cannot reach the hub',
    hint: 'is it running',
  });
  await start('hub');
  for (const name of ['central', 'dcn0']) await bench.daemon(name).ready();
  expect(bench.daemon('dcn0').pid).toBe(pid);
  expect((await bench.calls.listStores()).map(({ online }) => online)).toEqual([true, true]);
}, 120_000);
