import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import type { Compression } from '../../../src/domain/compression.ts';
import { PullSource } from '../../../src/rpc/pull-source.ts';
import type { CompressionMode } from '../../../src/transfer/packing-choice.ts';
import { Processors } from '../../../src/transfer/processors.ts';
import { unpacked } from '../../../src/transfer/unpack.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { manifestOf } from '../transfer/samples.ts';
import { type AgentBench, JOB_ID, World } from './agent-bench.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const CHUNKS = 6;
const WORDS = Buffer.alloc(CHUNKS * CHUNK_BYTES, 'Goods that give way take less room on the ship. ');
const NEVER = new AbortController().signal;

async function holder(
  world: World,
  compression: CompressionMode | undefined,
  { bytes = WORDS, processors = new Processors() } = {},
) {
  const source = await world.agent('central', { compression }, { processors });
  const session = await world.hub.session('central');
  await world.ingest(session, IMAGE, bytes);
  return { source, session };
}

/** What somebody gets that pulls all of it. */
async function pull(world: World, source: AgentBench, puller: Identity, acceptsPacked: boolean) {
  await using pulled = new PullSource({
    address: source.agent.transferAddress,
    peer: 'central',
    credentials: await world.authority.credentials(puller),
    expect: { kind: 'store', storeId: 'central' },
    ticket: world.hub.ticket({
      taskId: `pull-${Math.random()}`,
      attempt: 1,
      jobId: JOB_ID,
      imageId: IMAGE,
      action: 'pull',
      holder: puller,
      atStoreId: 'central',
    }),
    acceptsPacked,
  });
  const frames = pulled.pull(IMAGE, [{ firstChunk: 0, chunkCount: CHUNKS }], NEVER);
  const bytes = Buffer.alloc(WORDS.length);
  const said = new Set<Compression | undefined>();
  let wireBytes = 0;
  const onWire = (count: number) => {
    wireBytes += count;
  };
  for await (const { offset, data, last, compression } of unpacked(frames, onWire)) {
    bytes.set(data, offset);
    if (last) said.add(compression);
  }
  return { bytes, wireBytes, said: [...said] };
}

const EDGE = { kind: 'store', storeId: 'dcn0' } as const;

function sent(source: AgentBench): Promise<number> {
  return source.metric('entrepot_agent_bytes_total{kind="sent"}');
}

test('what is packed counts as it crosses the wire, and is what it was', async () => {
  await using world = await World.make();
  const { source } = await holder(world, 'on');
  const { bytes, wireBytes, said } = await pull(world, source, EDGE, true);
  expect(bytes.equals(WORDS)).toBe(true);
  expect(said).toEqual(['on']);
  expect(wireBytes).toBeLessThan(WORDS.length / 10);
  expect(await sent(source)).toBe(wireBytes);
});

test.each<[string, CompressionMode | undefined, Identity, boolean, Compression]>([
  ['a receiver that does not take it', 'on', EDGE, false, 'not-wanted'],
  ['the hub, for a download', 'on', HUB, false, 'not-wanted'],
  ['anybody, when it is configured so', 'off', EDGE, true, 'not-wanted'],
  ['a link that keeps up', undefined, EDGE, true, 'link-keeps-up'],
])('nothing is packed for %s', async (_, mode, puller, acceptsPacked, why) => {
  await using world = await World.make();
  const { source } = await holder(world, mode);
  const { bytes, wireBytes, said } = await pull(world, source, puller, acceptsPacked);
  expect(bytes.equals(WORDS)).toBe(true);
  expect([wireBytes, said]).toEqual([WORDS.length, [why]]);
});

/** Processors of which so much is idle, whatever else this machine does. */
function idle(share: number): Processors {
  let allMs = 0;
  return new Processors(() => {
    allMs += 1000;
    return { idleMs: allMs * share, allMs };
  });
}

test.each<[string, number, Compression[], number]>([
  ['packed by itself', 0.5, ['link-keeps-up', 'on'], 0.75],
  ['not packed where the processors are busy', 0.1, ['link-keeps-up', 'processors-busy'], 1],
])('over a slow link it is %s', async (_, share, wanted, part) => {
  await using world = await World.make();
  const { source, session } = await holder(world, undefined, { processors: idle(share) });
  session.tell({ pacing: { stores: [{ storeId: 'central', rate: '3M' }] } });
  const { bytes, wireBytes, said } = await pull(world, source, EDGE, true);
  expect(bytes.equals(WORDS)).toBe(true);
  expect(said).toEqual(wanted);
  if (part < 1) expect(wireBytes).toBeLessThan(WORDS.length * part);
  else expect(wireBytes).toBe(WORDS.length);
});

test('data that does not give way goes as it is', async () => {
  await using world = await World.make();
  const noise = randomBytes(WORDS.length);
  const { source } = await holder(world, 'on', { bytes: noise });
  const { bytes, wireBytes, said } = await pull(world, source, EDGE, true);
  expect(bytes.equals(noise)).toBe(true);
  expect(wireBytes).toBeLessThanOrEqual(noise.length);
  expect(said).toEqual(['data-does-not-give-way']);
});

test.each(['pull', 'push'] as const)('a copy by %s has it packed', async (way) => {
  await using world = await World.make();
  const [sourceId, copyId] = way === 'pull' ? ['central', 'dcn0'] : ['dcn0', 'central'];
  const source = await world.agent(sourceId, { compression: 'on' });
  const copy = await world.agent(copyId);
  const [atSource, atCopy] = [await world.hub.session(sourceId), await world.hub.session(copyId)];
  await world.ingest(atSource, IMAGE, WORDS);
  const order = { taskId: 'copy-1', attempt: 1, imageId: IMAGE };
  const from = way === 'pull' ? source.agent.transferAddress : '';
  if (way === 'push') atSource.tell(world.serveMessage({ ...order, receiver: copy }));
  atCopy.tell(world.copyMessage({ ...order, bytes: WORDS, from, to: copyId }));
  expect((await atCopy.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(WORDS).root);
  const bytes = await sent(source);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(WORDS.length / 10);
});

test('two receivers at once have each chunk read once', async () => {
  await using world = await World.make();
  const { source } = await holder(world, undefined);
  const before = await chunks(source);
  const gate = Promise.withResolvers<void>();
  source.store.around = (call, when) => (call === 'read' && when === 'before' ? gate.promise : undefined);
  const others = (['dcn0', 'dcn1'] as const).map((storeId) =>
    pull(world, source, { kind: 'store', storeId }, true),
  );
  const begun = /^grpc_server_started_total\{.*"Pull".*\} 2$/m;
  while (!begun.test(await source.registry.metrics())) await delay(5);
  await delay(100);
  gate.resolve();
  for (const { bytes } of await Promise.all(others)) expect(bytes.equals(WORDS)).toBe(true);
  const after = await chunks(source);
  expect([after.read - before.read, after.shared - before.shared]).toEqual([CHUNKS, CHUNKS]);
  expect(await source.metric('entrepot_agent_buffer_bytes')).toBe(0);
});

async function chunks(source: AgentBench) {
  const [read, shared] = await Promise.all(
    ['read', 'shared'].map((how) => source.metric(`entrepot_agent_chunks_total{how="${how}"}`)),
  );
  return { read: read ?? 0, shared: shared ?? 0 };
}
