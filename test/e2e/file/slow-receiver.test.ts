import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DaemonProcess } from '../../cloud/daemon-process.ts';
import { waitFor } from '../../cloud/wait.ts';
import { Bench, MIB } from '../helpers-file.ts';

const DATA_BYTES = 160 * MIB;
const CHUNK_BYTES = 4 * MIB;
const SECONDS = 7;
const CONNECTIONS = 4;

/** docs/replication.md: slabs while there are two pulls on each connection, and what is asked for and not written. */
const SLAB_BYTES = (2 * CONNECTIONS + 2) * CHUNK_BYTES;
const ASKED_BYTES = 60 * MIB;

/** docs/decisions/0011-bulk-messages.md: an agent, with one copy at a time. */
const RESIDENT_BYTES = 256 * MIB;

const SLOW_DISK = fileURLToPath(new URL('../../cloud/slow-disk.ts', import.meta.url));

let bench: Bench;
let receiver: DaemonProcess;
let id: string;

beforeAll(async () => {
  bench = await Bench.start({
    storeIds: ['central', 'dcn0'],
    agent: (storeId) => (storeId === 'dcn0' ? { transfer: { connections: CONNECTIONS } } : {}),
  });
  id = await bench.bring('slow', await bench.sample('slow', DATA_BYTES / MIB, DATA_BYTES / MIB));
  // Uploading has made it larger than sending does.
  for (const name of ['central', 'dcn0']) await bench.daemon(name).stop();
  receiver = new DaemonProcess({
    ...bench.daemon('dcn0').options,
    env: { NODE_OPTIONS: `--import=${SLOW_DISK}`, SLOW_DISK_BYTES_PER_SECOND: `${CHUNK_BYTES}` },
  });
  await Promise.all([bench.daemon('central').start(), receiver.start()]);
});
afterAll(async () => {
  await receiver?.kill('SIGKILL');
  await bench?.[Symbol.asyncDispose]();
});

function residentBytes({ pid }: DaemonProcess): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

async function metric(daemon: DaemonProcess, series: string): Promise<number> {
  const line = (await daemon.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

test.runIf(process.platform === 'linux')(
  'a receiver that takes one chunk a second holds no more than is said, nor does who sends to it',
  async () => {
    const central = bench.daemon('central');
    await bench.copy(id, 'dcn0');
    await waitFor('the first bytes', async () => {
      return (await metric(central, 'entrepot_agent_bytes_total{kind="sent"}')) > 0;
    });
    const begunAtMs = Date.now();
    const most = { slabs: 0, receiver: 0, sender: 0 };
    while (Date.now() - begunAtMs < SECONDS * 1000) {
      most.slabs = Math.max(most.slabs, await metric(receiver, 'entrepot_agent_buffer_bytes'));
      most.receiver = Math.max(most.receiver, residentBytes(receiver));
      most.sender = Math.max(most.sender, residentBytes(central));
      await delay(100);
    }
    const sent = await metric(central, 'entrepot_agent_bytes_total{kind="sent"}');
    const writtenAtMost = ((Date.now() - begunAtMs) / 1000 + 1) * CHUNK_BYTES;
    expect(most.slabs).toBeLessThanOrEqual(SLAB_BYTES);
    expect(most.receiver).toBeLessThanOrEqual(RESIDENT_BYTES);
    expect(most.sender).toBeLessThanOrEqual(RESIDENT_BYTES);
    // What is between the store there and the store here.
    expect(sent - writtenAtMost).toBeLessThanOrEqual(ASKED_BYTES);
    // It was slow, and it did go on.
    expect(most.slabs).toBeGreaterThan(CHUNK_BYTES);
    expect(sent).toBeLessThan(DATA_BYTES);
  },
  60_000,
);
