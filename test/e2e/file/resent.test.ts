import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, MIB } from '../helpers-file.ts';

/** Without holes, so that every byte of it has to be sent once. */
const DATA_BYTES = 160 * MIB;

/** What may be sent again after anything was cut: what the README promises. */
const RESENT_BYTES = 64 * MIB;

let bench: Bench;
let sample: string;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0'] });
  sample = await bench.sample('resent', DATA_BYTES / MIB, DATA_BYTES / MIB);
  id = await bench.bring('resent', sample);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

/** Image bytes that central has sent in this life of its process. */
async function sentBytes(): Promise<number> {
  const scrape = await bench.daemon('central').metrics();
  return Number(/^entrepot_agent_bytes_total\{kind="sent"\} (\d+)$/m.exec(scrape)?.[1] ?? 0);
}

/** Once it stands still: what the link does not take is counted all the same. */
async function sentInAll(): Promise<number> {
  let before = -1;
  return await waitFor('the source to stand still', async () => {
    const now = await sentBytes();
    const still = now === before;
    before = now;
    return still ? now : undefined;
  });
}

async function start(...names: string[]): Promise<void> {
  for (const name of names) bench.daemon(name).spawn();
  await Promise.all(names.map((name) => bench.daemon(name).ready()));
}

async function restart(name: string): Promise<void> {
  await bench.daemon(name).kill('SIGKILL');
  await start(name);
}

/** What breaks; returns what the source had sent in a life that it ends, 0 if it lives on. */
const breaks: Readonly<Record<string, () => Promise<number>>> = {
  'SIGKILL of the edge agent': async () => {
    await bench.daemon('dcn0').kill('SIGKILL');
    bench.line.release();
    await start('dcn0');
    return 0;
  },
  'SIGKILL of the source agent': async () => {
    const sent = await sentBytes();
    await bench.daemon('central').kill('SIGKILL');
    bench.line.release();
    await start('central');
    return sent;
  },
  'SIGKILL of the hub': async () => {
    await restart('hub');
    bench.line.release();
    return 0;
  },
  'the link cut': async () => {
    bench.line.cut();
    bench.line.release();
    await waitFor('the hub to be told', async () => {
      const { copies } = await bench.image(id);
      return copies.some(({ storeId, reason }) => storeId === 'dcn0' && reason !== '');
    });
    bench.line.mend();
    return 0;
  },
};

describe.each([
  { percent: 50, connections: 4 },
  { percent: 95, connections: 1 },
])(
  'at $percent % of a copy over $connections connections, at most 64 MiB are sent again after',
  ({ percent, connections }) => {
    beforeAll(async () => {
      bench.configure('dcn0', { transfer: { connections } });
      await bench.daemon('dcn0').stop();
      await start('dcn0');
    });

    afterEach(async () => {
      bench.line.mend();
      bench.line.release();
      if ((await bench.holders(id)).includes('dcn0')) {
        const { id: jobId } = await bench.calls.deleteCopy(id, 'dcn0');
        expect((await bench.ended(jobId)).state).toBe('succeeded');
      }
    });

    test.each(Object.entries(breaks))(
      '%s',
      async (_, breakIt) => {
        const before = await sentBytes();
        bench.line.holdAfter((DATA_BYTES * percent) / 100);
        const job = await bench.copy(id, 'dcn0');
        await bench.line.held();
        expect(await sentInAll()).toBeGreaterThanOrEqual(before + (DATA_BYTES * (percent - 2)) / 100);
        const inFormerLife = await breakIt();

        expect(await bench.ended(job.id)).toMatchObject({ state: 'succeeded', reason: '' });
        expect(readFileSync(bench.wholeFile('dcn0', id)).equals(readFileSync(sample))).toBe(true);
        const sent = (await sentBytes()) + inFormerLife - before;
        expect(sent).toBeGreaterThanOrEqual(DATA_BYTES);
        expect(sent - DATA_BYTES).toBeLessThanOrEqual(RESENT_BYTES);
      },
      120_000,
    );
  },
);
