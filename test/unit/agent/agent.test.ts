import { mkdir, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { manifestOf, uploadOf } from '../transfer/samples.ts';
import { ingestMessage, sample, World } from './agent-bench.ts';
import { eventually } from './scripted-hub.ts';

const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const OTHER = '5b1d7e02-93f4-4c68-8a2b-1f7c9d3e6a44';

test('takes an image in, and copies it by pull', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const bytes = sample(9);
  const { root, dataBytes } = manifestOf(bytes);
  const atCentral = await world.hub.session('central');
  expect(await world.ingest(atCentral, IMAGE, bytes)).toBe(root);
  expect(world.hub.manifests.has(root)).toBe(true);
  expect((await world.bytesAt('central', IMAGE)).equals(bytes)).toBe(true);

  const atEdge = await world.hub.session('dcn0');
  const from = central.agent.transferAddress;
  atEdge.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  const result = await atEdge.result('copy-1');
  expect(result.copied?.verifiedRoot).toBe(root);
  expect(result.traffic).toMatchObject({ resumedBytes: 0, verifiedBytes: dataBytes });
  expect((await world.bytesAt('dcn0', IMAGE)).equals(bytes)).toBe(true);
  expect(atEdge.phases('copy-1')).toEqual([
    'preparing',
    'transferring',
    'flushing',
    'verifying',
    'publishing',
  ]);
  // What one side sent is what the other received, in the metrics of both.
  expect(await edge.metric('entrepot_agent_bytes_total{kind="received"}')).toBe(
    result.traffic?.receivedBytes,
  );
  expect(await central.metric('entrepot_agent_bytes_total{kind="sent"}')).toBe(result.traffic?.receivedBytes);
  expect(await edge.metric('entrepot_agent_tasks_total{kind="copy",outcome="done",reason=""}')).toBe(1);
  // The ids of the job are on every line of the copy, and its request id at the source too.
  const lines = edge.lines.filter((line) => line['taskId'] === 'copy-1');
  expect(lines.map((line) => line.msg)).toContain('copy done');
  for (const line of lines) expect(line).toMatchObject({ requestId: 'request-2', imageId: IMAGE });
  expect(central.lines.find((line) => line['requestId'] === 'request-2')?.msg).toBe('Pull answered');
});

test.each(['the source first', 'the copy first'])('copies by push, %s', async (order) => {
  await using world = await World.make();
  const edge = await world.agent('dcn0');
  const central = await world.agent('central');
  const bytes = sample(6);
  const atEdge = await world.hub.session('dcn0');
  const atCentral = await world.hub.session('central');
  await world.ingest(atEdge, IMAGE, bytes);
  const serve = world.serveMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, receiver: central });
  const assign = world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from: '' });
  if (order === 'the copy first') {
    atCentral.tell(assign);
    await eventually(() => atCentral.phases('copy-1').length > 0);
    atEdge.tell(serve);
  } else {
    atEdge.tell(serve);
    await eventually(() => edge.lines.some((line) => line.msg === 'delivery starts'));
    atCentral.tell(assign);
  }
  expect((await atCentral.result('copy-1')).copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  expect((await world.bytesAt('central', IMAGE)).equals(bytes)).toBe(true);
  await eventually(() => edge.lines.some((line) => line.msg === 'delivery done'));
});

test('compares a copy as it arrives and does not read it back, when that is configured', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0', { verify: 'arrival' });
  const bytes = sample(6);
  await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  const session = await world.hub.session('dcn0');
  const from = central.agent.transferAddress;
  session.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  const result = await session.result('copy-1');
  expect(result.copied?.verifiedRoot).toBe(manifestOf(bytes).root);
  expect(result.traffic?.verifiedBytes).toBe(0);
  expect(edge.store.calls).not.toContain('read');
  expect((await world.bytesAt('dcn0', IMAGE)).equals(bytes)).toBe(true);
});

test('a failed upload leaves nothing', async () => {
  await using world = await World.make();
  const { store } = await world.agent('central');
  const session = await world.hub.session('central');
  const bytes = sample(6);
  world.hub.uploads.set('ingest-1', function* () {
    yield* [...uploadOf(bytes)].slice(0, 5);
  });
  session.tell(ingestMessage('ingest-1', 1, IMAGE, bytes.length));
  const { failure } = await session.result('ingest-1');
  expect(failure).toMatchObject({ code: 'INVALID' });
  expect(failure?.message).toContain('the upload ended after');
  expect(await store.list()).toEqual([]);
});

test('a full pool leaves nothing', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const bytes = sample(6);
  await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  let writes = 0;
  edge.store.around = (call, when) => {
    if (call === 'write' && when === 'before' && ++writes > 8)
      throw new Refusal('NO_SPACE', 'the pool is full');
  };
  const session = await world.hub.session('dcn0');
  const from = central.agent.transferAddress;
  session.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  expect((await session.result('copy-1')).failure?.code).toBe('NO_SPACE');
  expect(await edge.store.list()).toEqual([]);
});

test('deletes, and says which clones are in the way', async () => {
  await using world = await World.make();
  const { store } = await world.agent('central');
  const session = await world.hub.session('central');
  const bytes = sample(2);
  await world.ingest(session, IMAGE, bytes);
  const folder = await world.folder('central');
  await mkdir(folder.inPool(`clones/${IMAGE}`), { recursive: true });
  await writeFile(folder.inPool(`clones/${IMAGE}/disk-1`), '');
  const task = { attempt: 1, jobId: '', imageId: IMAGE, requestId: '', delete: {} };

  session.tell({ question: { questionId: 7, imageId: IMAGE } });
  session.tell({ question: { questionId: 8, imageId: 'not-a-uuid' } });
  const answer = (id: number) =>
    eventually(() => session.messages.find((one) => one.answer?.questionId === id)?.answer ?? undefined);
  expect((await answer(7)).children).toEqual(['images/disk-1']);
  expect((await answer(8)).failure?.code).toBe('INVALID');

  session.tell({ assign: { ...task, taskId: 'delete-1' } });
  const refused = (await session.result('delete-1')).failure;
  expect(refused?.code).toBe('IN_USE');
  expect(refused?.message).toContain('images/disk-1');
  expect(await store.list()).toHaveLength(1);

  await rm(folder.inPool(`clones/${IMAGE}/disk-1`));
  for (const taskId of ['delete-2', 'delete-again']) {
    session.tell({ assign: { ...task, taskId } });
    expect((await session.result(taskId)).deleted).toEqual({});
  }
  expect(await store.list()).toEqual([]);
});

test('a reader does not keep an image from being deleted', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const bytes = sample(6);
  const atCentral = await world.hub.session('central');
  await world.ingest(atCentral, IMAGE, bytes);
  const held = Promise.withResolvers<void>();
  await using _ended = { [Symbol.asyncDispose]: async () => held.resolve() };
  edge.store.around = (call, when) => (call === 'write' && when === 'before' ? held.promise : undefined);
  const atEdge = await world.hub.session('dcn0');
  const from = central.agent.transferAddress;
  atEdge.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  await eventually(() => edge.store.calls.includes('write'));
  atCentral.tell({
    assign: { taskId: 'delete-1', attempt: 1, jobId: '', imageId: IMAGE, requestId: '', delete: {} },
  });
  expect((await atCentral.result('delete-1')).deleted).toEqual({});
  // The edge does not take anything, and nobody waits for it.
  await eventually(() => central.store.openImages === 0);
  held.resolve();
  // Small as it is, all of it may have been on its way already.
  const result = await atEdge.result('copy-1');
  expect(result.failure?.code ?? 'copied').toMatch(/^(NOT_FOUND|copied)$/);
});

test('tells the whole inventory in pages', async () => {
  await using world = await World.make();
  const folder = await world.folder('central');
  await mkdir(folder.inPool(''), { recursive: true });
  const ids = Array.from(
    { length: 2001 },
    (_, at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
  );
  for (const id of ids) await writeFile(folder.inPool(`entrepot.partial.${id}`), '');
  await world.agent('central');
  const { inventory, pages } = await world.hub.session('central');
  expect(pages).toEqual([1000, 1000, 1]);
  expect(inventory.map((one) => one.imageId).sort()).toEqual(ids);
});

test('beats, with the room the store has', async () => {
  await using world = await World.make();
  const edge = await world.agent('dcn0');
  const session = await world.hub.session('dcn0');
  expect(session.pages).toEqual([0]);
  const beats = await eventually(() => {
    const found = session.messages.flatMap(({ heartbeat }) => (heartbeat ? [heartbeat] : []));
    return found.length >= 3 && found;
  });
  expect(beats[0]?.totalBytes).toBe((await edge.store.space())?.totalBytes);
});

test('discards what no task of its own uses', async () => {
  await using world = await World.make();
  const central = await world.agent('central');
  const edge = await world.agent('dcn0');
  const bytes = sample(4);
  await world.ingest(await world.hub.session('central'), IMAGE, bytes);
  await (await edge.store.openPartial(OTHER, 100))[Symbol.asyncDispose]();
  const held = Promise.withResolvers<void>();
  edge.store.around = (call, when) => (call === 'write' && when === 'before' ? held.promise : undefined);
  const session = await world.hub.session('dcn0');
  const from = central.agent.transferAddress;
  session.tell(world.copyMessage({ taskId: 'copy-1', attempt: 1, imageId: IMAGE, bytes, from }));
  await eventually(() => edge.store.calls.includes('write'));
  session.tell({ discard: { imageIds: [IMAGE, OTHER, 'nonsense'] } });
  await eventually(() => edge.lines.some((line) => line.msg === 'leftover discarded'));
  expect((await edge.store.list()).map((one) => one.imageId)).toEqual([IMAGE]);
  const ignored = edge.lines.filter((line) => line.msg.startsWith('ignored a discard'));
  expect(ignored.map((line) => line['imageId'])).toEqual([IMAGE, 'nonsense']);
  held.resolve();
  expect((await session.result('copy-1')).copied).toBeTruthy();
});
