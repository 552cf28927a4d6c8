import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OwnCredentials } from '../../../src/agent/own-credentials.ts';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { gate, refusalIn } from '../rpc/harness.ts';
import { dataOf, manifestOf, uploadOf } from '../transfer/samples.ts';
import type { WatchedStore } from '../transfer/watched-store.ts';
import { AgentBench, ingestMessage, sample, World } from './agent-bench.ts';
import { eventually, type Session } from './scripted-hub.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

/** Lets so many calls of a kind through and holds up the rest until it is opened. */
function hold(store: WatchedStore, kind: 'read' | 'write' | 'publish', after = 0) {
  const held = gate();
  const reached = gate();
  let calls = 0;
  store.around = async (call, when) => {
    if (call !== kind || when !== 'before' || ++calls <= after) return;
    reached.open();
    await held.opened;
  };
  return { reached: reached.opened, release: () => held.open() };
}

/** An image at central, an edge that is to copy it. */
async function pair(world: World, bytes: Buffer) {
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  return { central, edge, session: await world.hub.session('dcn0') };
}

function copyFrom(world: World, source: AgentBench, bytes: Buffer, attempt = 1) {
  const from = source.agent.transferAddress;
  return world.copyMessage({ taskId: 'copy-1', attempt, imageId: IMAGE, bytes, from });
}

/** All the hub hears while an exchange it begins now takes place: what was on its way before has arrived. */
async function roundTrip(session: Session, questionId: number): Promise<void> {
  session.tell({ question: { questionId, imageId: IMAGE } });
  await eventually(() => session.messages.some(({ answer }) => answer?.questionId === questionId));
}

test('work goes on while the hub is away, and its result is told until it is kept', async () => {
  await using world = await World.make();
  const bytes = sample(6);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(edge.store, 'write', 2);
  session.tell(copyFrom(world, central, bytes));
  await held.reached;
  await world.replaceHub();
  const adopted = await world.hub.session('dcn0');
  expect(adopted.running).toEqual(['copy-1/1']);
  // It says at once where the copy stands, without being asked.
  await eventually(() => adopted.phases('copy-1').includes('transferring'));
  // The new hub leaves it running, or hands the same attempt out again: the same.
  adopted.tell(copyFrom(world, central, bytes));
  world.hub.keeps = false;
  held.release();
  expect((await adopted.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  expect(edge.lines.filter((line) => line.msg === 'copy starts')).toHaveLength(1);

  adopted.cut.open();
  const again = await world.hub.session('dcn0', adopted);
  expect(again.running).toEqual(['copy-1/1']);
  expect((await again.result('copy-1')).copied).toBeTruthy();
  again.tell({ kept: { taskId: 'copy-1', attempt: 1 } });
  await roundTrip(again, 1);

  again.cut.open();
  const last = await world.hub.session('dcn0', again);
  expect(last.running).toEqual([]);
  await roundTrip(last, 2);
  expect(last.results('copy-1')).toEqual([]);
});

test('an attempt that is known is not started twice', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const session = await world.hub.session('central');
  world.hub.keeps = false;
  const bytes = sample(4);
  world.hub.uploads.set('ingest-1', () => uploadOf(bytes));
  const held = hold(central.store, 'write');
  const assign = ingestMessage('ingest-1', 2, IMAGE, bytes.length);
  session.tell(assign);
  await held.reached;
  session.tell(assign);
  held.release();
  await session.result('ingest-1');
  // Ended: told again. A lower attempt: nobody wants it any more.
  session.tell(assign);
  await eventually(() => session.results('ingest-1').length === 2);
  session.tell(ingestMessage('ingest-1', 1, IMAGE, bytes.length));
  session.tell({ cancel: { taskId: 'ingest-1', attempt: 1 } });
  await roundTrip(session, 1);
  expect(session.results('ingest-1').map(({ attempt }) => attempt)).toEqual([2, 2]);
  expect(world.hub.pulledUploads).toEqual(['ingest-1/2']);
});

test('a cancelled copy leaves nothing, also of earlier attempts', async () => {
  await using world = await World.make();
  const bytes = sample(12);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(edge.store, 'write', 16);
  session.tell(copyFrom(world, central, bytes));
  await held.reached;
  session.tell({ cancel: { taskId: 'copy-1', attempt: 1 } });
  await roundTrip(session, 1);
  // The writes under way must end first: nothing is discarded under a writer.
  expect(session.results('copy-1')).toEqual([]);
  held.release();
  const { failure, traffic } = await session.result('copy-1');
  expect(failure).toMatchObject({ code: 'CANCELLED' });
  expect(traffic?.receivedBytes).toBeGreaterThan(0);
  expect(await edge.store.list()).toEqual([]);
  expect(
    await edge.metric('entrepot_agent_tasks_total{kind="copy",outcome="cancelled",reason="CANCELLED"}'),
  ).toBe(1);
  expect(await edge.metric('entrepot_agent_buffer_bytes')).toBe(0);
  expect(edge.store.openImages).toBe(0);
});

test('an upload that broke goes on from what the agent has, and one that is refused leaves nothing', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const session = await world.hub.session('central');
  const bytes = sample(9);
  let breaks = true;
  world.hub.uploads.set('ingest-1', function* (fromByte) {
    for (const frame of uploadOf(bytes)) {
      if (frame.offset < fromByte) continue;
      if (breaks && frame.offset >= 6 * CHUNK_BYTES)
        throw new Refusal('UNAVAILABLE', 'the operator went away');
      yield frame;
    }
  });
  session.tell(ingestMessage('ingest-1', 1, IMAGE, bytes.length));
  expect((await session.result('ingest-1')).failure?.code).toBe('UNAVAILABLE');
  expect(await central.store.list()).toMatchObject([{ form: 'partial' }]);
  breaks = false;
  session.tell(ingestMessage('ingest-1', 2, IMAGE, bytes.length));
  await eventually(() => session.results('ingest-1').length === 2);
  const again = session.results('ingest-1')[1];
  expect(again?.ingested?.root).toBe(manifestOf(bytes).root);
  expect(again?.traffic?.resumedBytes).toBeGreaterThan(0);
  expect((await world.bytesAt('central', IMAGE)).equals(bytes)).toBe(true);
  const { fromByte = 0, sha512 } = world.hub.uploadedBefore[1] ?? {};
  expect([fromByte % CHUNK_BYTES, sha512]).toEqual([0, dataOf(bytes.subarray(0, fromByte)).osHashValue]);
  expect(fromByte).toBeGreaterThan(0);

  const other = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a11';
  world.hub.uploads.set('ingest-2', function* () {
    yield* [...uploadOf(bytes)].slice(0, 30);
    throw new Refusal('CONFLICT', 'another file');
  });
  session.tell(ingestMessage('ingest-2', 1, other, bytes.length));
  expect((await session.result('ingest-2')).failure?.code).toBe('CONFLICT');
  expect(await central.store.list()).toMatchObject([{ imageId: IMAGE, form: 'whole' }]);
});

test('a cancelled ingest leaves nothing', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const session = await world.hub.session('central');
  const bytes = sample(6);
  const stalled = gate();
  world.hub.uploads.set('ingest-1', async function* () {
    yield* [...uploadOf(bytes)].slice(0, 4);
    await stalled.opened;
  });
  session.tell(ingestMessage('ingest-1', 1, IMAGE, bytes.length));
  await eventually(() => central.store.calls.includes('write'));
  session.tell({ cancel: { taskId: 'ingest-1', attempt: 1 } });
  expect((await session.result('ingest-1')).failure?.code).toBe('CANCELLED');
  expect(await central.store.list()).toEqual([]);
  stalled.open();
});

test('cancelling what is not here is answered', async () => {
  await using world = await World.make();
  await world.agent('dcn0');
  const session = await world.hub.session('dcn0');
  session.tell({ cancel: { taskId: 'copy-9', attempt: 3 } });
  expect(await session.result('copy-9')).toMatchObject({ attempt: 3, failure: { code: 'CANCELLED' } });
});

test('a later attempt takes the place of an earlier one', async () => {
  await using world = await World.make();
  const bytes = sample(8);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(edge.store, 'write', 4);
  session.tell(copyFrom(world, central, bytes, 1));
  await held.reached;
  session.tell(copyFrom(world, central, bytes, 2));
  session.tell(copyFrom(world, central, bytes, 1));
  await roundTrip(session, 1);
  // The first still has a write under way, and the second waits for it.
  expect(edge.lines.filter((line) => line.msg === 'copy starts')).toHaveLength(1);
  held.release();
  expect((await session.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  expect(session.results('copy-1').map(({ attempt }) => attempt)).toEqual([2]);
  const starts = edge.lines.filter((line) => /^copy (starts|failed|done)/.test(line.msg));
  expect(starts.map((line) => [line['attempt'], line.msg.split(' ')[1]])).toEqual([
    [1, 'starts'],
    [1, 'failed:'],
    [2, 'starts'],
    [2, 'done'],
  ]);
  expect(world.hub.manifestsAsked).toBe(1);
});

test('a source that goes away: UNAVAILABLE, and the next attempt goes on from the checkpoint', async () => {
  await using world = await World.make();
  const bytes = sample(12);
  const { dataBytes } = manifestOf(bytes);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(central.store, 'read', 9);
  session.tell(copyFrom(world, central, bytes, 1));
  await held.reached;
  // All that could come has come: the source waits in its tenth read.
  await eventually(() => edge.store.calls.includes('setMetadata') && edge.store.active === 0);
  const ended = central[Symbol.asyncDispose]();
  const { failure } = await session.result('copy-1');
  expect(failure?.code).toBe('UNAVAILABLE');
  held.release();
  await ended;
  expect(await edge.store.list()).toMatchObject([{ imageId: IMAGE, form: 'partial' }]);

  const back = await world.agent('central');
  session.tell(copyFrom(world, back, bytes, 2));
  const result = await eventually(() => session.results('copy-1').find(({ attempt }) => attempt === 2));
  expect(result.copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  const { resumedBytes = 0, receivedBytes = 0 } = result.traffic ?? {};
  expect(resumedBytes).toBeGreaterThanOrEqual(16 * 1024 * 1024);
  // Three blocks of 64 KiB of a chunk are data: the rest of it is not sent.
  const chunksLeft = Math.ceil((dataBytes - resumedBytes) / (4 * 1024 * 1024));
  expect(receivedBytes).toBeLessThanOrEqual(chunksLeft * 3 * 64 * 1024);
  expect((await world.bytesAt('dcn0', IMAGE)).equals(bytes)).toBe(true);
});

test('a source that delivers and goes away: UNAVAILABLE too', async () => {
  await using world = await World.make();
  const bytes = sample(12);
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  await world.ingest(await world.hub.session('dcn0'), IMAGE, bytes);
  const session = await world.hub.session('central');
  const held = hold(edge.store, 'read', 9);
  session.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from: '' }));
  const serve = world.serveMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, receiver: central });
  (await world.hub.session('dcn0')).tell(serve);
  await held.reached;
  const ended = edge[Symbol.asyncDispose]();
  // Not CANCELLED, which is the hub's word to end a task for good.
  expect((await session.result('copy-1')).failure?.code).toBe('UNAVAILABLE');
  held.release();
  await ended;
});

test('a source that nobody can reach: UNAVAILABLE', async () => {
  await using world = await World.make();
  const bytes = sample(2);
  const { session } = await pair(world, bytes);
  session.tell(
    world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from: '127.0.0.1:1' }),
  );
  const { failure } = await session.result('copy-1');
  expect(failure?.code).toBe('UNAVAILABLE');
  expect(failure?.message).toContain('agent of store central at 127.0.0.1:1');
});

test('an agent that stops keeps its checkpoint, and is not reported as failed', async () => {
  await using world = await World.make();
  const bytes = sample(12);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(edge.store, 'write', 24);
  session.tell(copyFrom(world, central, bytes, 1));
  await held.reached;
  const ended = edge[Symbol.asyncDispose]();
  session.tell(copyFrom(world, central, bytes, 3));
  held.release();
  await ended;
  expect(session.results('copy-1')).toEqual([]);
  await eventually(() => session.isOver);

  const back = await world.agent('dcn0');
  const after = await world.hub.session('dcn0', session);
  expect(after.running).toEqual([]);
  expect(after.inventory).toMatchObject([{ imageId: IMAGE, form: 'partial' }]);
  after.tell(copyFrom(world, central, bytes, 2));
  const result = await after.result('copy-1');
  expect(result.copied).toBeTruthy();
  // Seven or more chunks were written when it stopped, of which none was due for a checkpoint but four.
  expect(result.traffic?.resumedBytes).toBeGreaterThanOrEqual(7 * 4 * 1024 * 1024);
  expect(back.store.openImages).toBe(0);
});

test('what ends well while the agent stops is still told', async () => {
  await using world = await World.make();
  const bytes = sample(2);
  const { central, edge, session } = await pair(world, bytes);
  const held = hold(edge.store, 'publish');
  session.tell(copyFrom(world, central, bytes));
  await held.reached;
  const ended = edge[Symbol.asyncDispose]();
  held.release();
  await ended;
  expect((await session.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
});

test('a hub that refuses is dialled again, and said once', async () => {
  await using world = await World.make();
  const hint = 'set store: in the configuration of the agent';
  world.hub.refuses = new Refusal('NOT_FOUND', 'no store is named dcn7', { hint, rule: 'R10' });
  const { agent, lines } = await world.startAgent('dcn7');
  await eventually(() => world.hub.hellos >= 4);
  const errors = lines.filter((line) => line.level === 'error');
  expect(errors).toMatchObject([
    { msg: 'the hub refuses this agent: no store is named dcn7', code: 'NOT_FOUND', hint, rule: 'R10' },
  ]);
  expect(agent.readiness.isReady).toBe(false);
  expect(agent.readiness.reasons).toEqual([`hub: no store is named dcn7 (${hint})`]);
  world.hub.refuses = undefined;
  await agent.readiness.firstReady;
});

test('a store that does not answer is tried again; one that is not there is not', async () => {
  await using world = await World.make();
  const first = await world.agent('central');
  // The folder is served by another process: it may end.
  const second = world.startAgent('central');
  await expect(Promise.race([second, delay(300, 'waits')])).resolves.toBe('waits');
  expect(world.hub.sessions).toHaveLength(1);
  await first[Symbol.asyncDispose]();
  const { lines, agent } = await second;
  await agent.readiness.firstReady;
  const warnings = lines.filter((line) => line['part'] === 'store').map((line) => [line.level, line.msg]);
  expect(warnings).toMatchObject([
    ['warn', expect.stringContaining('in use by process')],
    ['info', 'the store answers'],
  ]);

  const { path } = await world.folder('dcn0');
  const credentials = await OwnCredentials.load(await world.credentials('dcn0'), 'dcn0');
  const pool = 'no/such/pool';
  await using wrong = new AgentBench(path, world.hub, credentials, { storeId: 'dcn0' }, { pool });
  expect(await refusalIn(wrong.start())).toMatchObject({ code: 'INVALID' });
});

test('a port in use ends it at once', async () => {
  await using world = await World.make();
  const { agent } = await world.agent('central');
  const port = Number(agent.transferAddress.split(':')[1]);
  const transfer = { host: '127.0.0.1', port };
  const refusal = await refusalIn(world.startAgent('dcn0', { transfer }));
  expect(refusal).toMatchObject({ code: 'CONFLICT' });
  expect(refusal.message).toContain('the port is in use');
});
