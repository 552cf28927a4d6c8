import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callServerStream } from '../../../src/rpc/calls.ts';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import type { Job__Output } from '../../../src/rpc/generated/entrepot/v1/Job.ts';
import type { Pacing__Output } from '../../../src/rpc/generated/entrepot/v1/Pacing.ts';
import { Events, Images, Jobs, Stores } from '../../../src/rpc/proto.ts';
import { TicketReader } from '../../../src/trust/ticket.ts';
import { type FakeAgent, refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
let admin: ChannelCredentials;
let central: FakeAgent;
let dcn0: FakeAgent;
beforeEach(async () => {
  hub = await TestHub.start();
  admin = await hub.admin();
  central = await hub.site('central', 'central');
  dcn0 = await hub.site('dcn0');
  for (const agent of [central, dcn0]) await told(agent);
});
afterEach(() => hub[Symbol.asyncDispose]());

function told(agent: FakeAgent): Promise<Pacing__Output> {
  return agent.next(({ pacing }) => pacing);
}

/** What an agent was told so far and nobody has looked at yet. */
const untold = (agent: FakeAgent) => agent.messages.filter(({ pacing }) => pacing);

const set = (id: string, rate: string) => hub.call(admin, Stores.Set, { id, rate });
const copy = async (imageId: string, lane = '', storeIds = ['dcn0'], who = admin) => {
  const { job } = await hub.call(who, Images.Copy, { imageId, storeIds, lane });
  if (job === null) throw new Error('nothing to do');
  return job;
};
const show = (jobId: string) => hub.call(admin, Jobs.Get, { jobId });

describe('an agent', () => {
  test('is told the whole after its welcome, and again after a restart of the hub', async () => {
    await set('dcn0', '20m, 18:00 off');
    await hub.call(admin, Stores.Pause, { id: 'central' });
    const stores = [
      { storeId: 'central', rate: '', paused: true },
      { storeId: 'dcn0', rate: '20M, 18:00 off', paused: false },
    ];
    const again = await hub.attach(dcn0.credentials, 'dcn0');
    expect(await told(again)).toEqual({ stores, jobs: [] });
    await hub.down();
    await hub.up();
    expect(await told(await hub.attach(dcn0.credentials, 'dcn0'))).toEqual({ stores, jobs: [] });
  });

  test('is told of changes, as far as it has to do with them', async () => {
    const dcn1 = await hub.site('dcn1');
    expect(await told(dcn1)).toEqual({ stores: [], jobs: [] });
    await set('dcn0', '20M');
    const stores = [{ storeId: 'dcn0', rate: '20M', paused: false }];
    expect(await told(central)).toEqual({ stores, jobs: [] });
    expect(await told(dcn0)).toEqual({ stores, jobs: [] });
    // The same again is nothing new.
    await set('dcn0', '20M');
    await hub.call(admin, Stores.Pause, { id: 'central' });
    const paused = { storeId: 'central', rate: '', paused: true };
    expect(await told(dcn1)).toEqual({ stores: [paused], jobs: [] });
    expect(await told(dcn0)).toEqual({ stores: [paused, ...stores], jobs: [] });
    expect(untold(dcn1)).toEqual([]);
    await hub.call(admin, Stores.Resume, { id: 'central' });
    await set('dcn0', '');
    expect(await told(dcn1)).toEqual({ stores: [], jobs: [] });
    expect(await told(dcn0)).toEqual({ stores, jobs: [] });
    expect(await told(dcn0)).toEqual({ stores: [], jobs: [] });
  });

  test('is not told any more of a store that was removed', async () => {
    await set('dcn0', '20M');
    await told(central);
    await hub.call(admin, Stores.Remove, { id: 'dcn0' });
    expect(await told(central)).toEqual({ stores: [], jobs: [] });
  });

  test('knows the pace of a job before it sends for it, at either end', async () => {
    const { id } = await hub.image(admin, central);
    const job = await copy(id, 'demand');
    const assignment = await dcn0.assigned(id);
    const pace = { jobId: job.id, rate: '', paused: false, lane: 'demand' };
    // It was there before the assignment was.
    expect(untold(dcn0)).toHaveLength(1);
    expect(await told(dcn0)).toEqual({ stores: [], jobs: [pace] });
    expect(await told(central)).toEqual({ stores: [], jobs: [pace] });
    const ticket = new TicketReader((await hub.admin()).caPem).read(
      assignment.copy?.ticket ?? '',
      Date.now(),
    );
    expect(ticket.jobId).toBe(job.id);
    await hub.call(admin, Jobs.SetRate, { jobId: job.id, rate: '5M' });
    expect((await told(central)).jobs).toEqual([{ ...pace, rate: '5M' }]);
    await hub.call(admin, Jobs.Pause, { jobId: job.id });
    expect((await told(central)).jobs).toEqual([{ ...pace, rate: '5M', paused: true }]);
    expect((await told(dcn0)).jobs).toEqual([{ ...pace, rate: '5M' }]);
    await hub.call(admin, Jobs.Resume, { jobId: job.id });
    expect((await told(central)).jobs).toEqual([{ ...pace, rate: '5M' }]);
  });

  test('is told nothing of a job like any other', async () => {
    const { id } = await hub.image(admin, central);
    await copy(id);
    await dcn0.assigned(id);
    expect([...untold(central), ...untold(dcn0)]).toEqual([]);
  });

  test('that is to dial gets the job with the order', async () => {
    const { id, root } = await hub.image(admin, central);
    const first = await copy(id);
    const { taskId, attempt } = await dcn0.assigned(id);
    await dcn0.say({ result: { taskId, attempt, copied: { verifiedRoot: root } } });
    await dcn0.next(({ kept }) => kept);
    expect((await show(first.id)).state).toBe('succeeded');
    // Central has lost its copy.
    const lost = await hub.attach(central.credentials, 'central');
    const job = await copy(id, 'background', ['central']);
    expect(await dcn0.next(({ serve }) => serve)).toMatchObject({ imageId: id, jobId: job.id });
    expect((await told(dcn0)).jobs).toMatchObject([{ jobId: job.id, lane: 'background' }]);
    await lost.assigned(id);
  });
});

describe('a request', () => {
  test('that joins a job brings it into its lane, and the agents know', async () => {
    const { id } = await hub.image(admin, central);
    const job = await copy(id, 'background');
    await dcn0.assigned(id);
    expect((await told(central)).jobs).toMatchObject([{ lane: 'background' }]);
    const joined = await hub.call(admin, Images.Copy, { imageId: id, storeIds: ['dcn0'], lane: 'demand' });
    expect(joined).toMatchObject({ joined: true, job: { id: job.id, lane: 'demand' } });
    expect((await told(central)).jobs).toMatchObject([{ lane: 'demand' }]);
  });

  test('for a lane that is none is refused', async () => {
    const { id } = await hub.image(admin, central);
    expect(await refusalOf(copy(id, 'express'))).toMatchObject({
      code: 'INVALID',
      hint: expect.stringContaining('demand'),
    });
    const image = await hub.call(admin, Images.Create, { name: 'x' });
    const upload = { imageId: image.id, sizeBytes: 1, lane: 'express' };
    expect(await refusalOf(hub.call(admin, Images.BeginUpload, upload))).toMatchObject({ code: 'INVALID' });
    const job = await hub.call(admin, Images.BeginUpload, { ...upload, lane: 'demand' });
    expect(job.lane).toBe('demand');
  });

  test('for a rate that is none is refused, with a hint, and changes nothing', async () => {
    expect(await refusalOf(set('dcn0', 'fast'))).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('timetable, column 1'),
      hint: expect.any(String),
    });
    expect(await refusalOf(set('dcn9', '20M'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(untold(dcn0)).toEqual([]);
  });
});

describe('a paused job', () => {
  test('says so, and where it stands still', async () => {
    const { id } = await hub.image(admin, central);
    const job = await copy(id);
    const { taskId, attempt } = await dcn0.assigned(id);
    const progress = { phase: 'transferring', totalBytes: 100 };
    await dcn0.say({ progress: { taskId, attempt, progress } });
    await expect.poll(async () => (await show(job.id)).tasks[0]?.state).toBe('running');
    const paused = await hub.call(admin, Jobs.Pause, { jobId: job.id });
    expect(paused).toMatchObject({
      paused: true,
      tasks: [{ state: 'running', reason: 'the job is paused' }],
    });
    const waiting = await hub.call(admin, Images.DeleteCopy, { imageId: id, storeId: 'dcn0' });
    expect(waiting).toMatchObject({
      reason: `waits for job ${job.id} (copy, paused)`,
      ahead: [{ paused: true }],
    });
    await hub.call(admin, Stores.Pause, { id: 'dcn0' });
    const resumed = await hub.call(admin, Jobs.Resume, { jobId: job.id });
    expect(resumed).toMatchObject({ paused: false, tasks: [{ reason: 'store dcn0 is paused' }] });
  });

  test('is watched as it is', async () => {
    const { id } = await hub.image(admin, central);
    const job = await copy(id);
    await dcn0.assigned(id);
    const changes = callServerStream(hub.channel(admin), Jobs.Watch, { jobId: job.id })[
      Symbol.asyncIterator
    ]();
    const next = async () => (await changes.next()).value as Job__Output;
    expect(await next()).toMatchObject({ paused: false });
    await hub.call(admin, Jobs.Pause, { jobId: job.id });
    expect(await next()).toMatchObject({ paused: true });
    await hub.call(admin, Stores.Pause, { id: 'dcn0' });
    await hub.call(admin, Jobs.Resume, { jobId: job.id });
    await expect.poll(async () => (await next()).tasks[0]?.reason).toBe('store dcn0 is paused');
    await changes.return?.();
  });

  test('is for its owner or an admin to pause', async () => {
    const alice = await hub.addOperator('alice', 'member');
    const mallory = await hub.addOperator('mallory', 'member');
    const reader = await hub.addOperator('rita', 'reader');
    const { id } = await hub.image(alice, central);
    const { id: jobId } = await copy(id, '', ['dcn0'], alice);
    const asked = [
      (who: ChannelCredentials) => hub.call(who, Jobs.Pause, { jobId }),
      (who: ChannelCredentials) => hub.call(who, Jobs.Resume, { jobId }),
      (who: ChannelCredentials) => hub.call(who, Jobs.SetRate, { jobId, rate: '5M' }),
    ];
    for (const ask of asked) {
      expect(await refusalOf(ask(mallory))).toMatchObject({ code: 'NOT_FOUND' });
      expect(await refusalOf(ask(reader))).toMatchObject({ code: 'FORBIDDEN' });
      await ask(alice);
      await ask(admin);
    }
    const { events } = await hub.call(admin, Events.List, { imageId: id, limit: 1000 });
    const own = events.filter(({ kind }) => /^job\.(paused|resumed|rate-set)$/.test(kind));
    expect(own.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual([
      'job.paused operator/alice',
      'job.resumed operator/alice',
      'job.rate-set operator/alice',
    ]);
    const { taskId, attempt } = await dcn0.assigned(id);
    const failure = { code: 'NO_SPACE', message: 'full', hint: '' };
    await dcn0.say({ result: { taskId, attempt, failure } });
    await expect.poll(async () => (await show(jobId)).state).toBe('failed');
    for (const ask of asked) expect(await refusalOf(ask(alice))).toMatchObject({ code: 'CONFLICT' });
  });
});

test('a copy to a paused store begins as soon as that is resumed', async () => {
  const { id } = await hub.image(admin, central);
  await hub.call(admin, Stores.Pause, { id: 'dcn0' });
  const job = await copy(id);
  await expect.poll(async () => (await show(job.id)).tasks[0]?.state).toBe('queued');
  expect((await show(job.id)).tasks[0]?.reason).toBe('store dcn0 is paused');
  await hub.call(admin, Stores.Resume, { id: 'dcn0' });
  expect((await dcn0.assigned(id)).jobId).toBe(job.id);
});

test('a paused store is shown as one, until it is resumed', async () => {
  expect(await hub.call(admin, Stores.Pause, { id: 'central' })).toMatchObject({ paused: true, rate: '' });
  expect(await set('central', '1G')).toMatchObject({ paused: true, rate: '1G' });
  const { stores } = await hub.call(admin, Stores.List, {});
  expect(stores.map(({ id, paused, rate }) => [id, paused, rate])).toEqual([
    ['central', true, '1G'],
    ['dcn0', false, ''],
  ]);
  expect(await hub.metric('entrepot_store_paused', { store: 'central' })).toBe(1);
  expect(await hub.call(admin, Stores.Resume, { id: 'central' })).toMatchObject({
    paused: false,
    rate: '1G',
  });
  expect(await hub.metric('entrepot_store_paused', { store: 'central' })).toBe(0);
});
