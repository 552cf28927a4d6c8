import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callClientStream, callServerStream } from '../../../src/rpc/calls.ts';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import type { Assignment__Output } from '../../../src/rpc/generated/entrepot/v1/Assignment.ts';
import { Agents, Images, Jobs } from '../../../src/rpc/proto.ts';
import { type Ticket, TicketReader } from '../../../src/trust/ticket.ts';
import { waitFor } from '../../cloud/wait.ts';
import { FakeAgent, MIB, manifestOf, refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
let central: FakeAgent;
let dcn0: FakeAgent;
let admin: ChannelCredentials;
let skewMs: number;
beforeEach(async () => {
  skewMs = 0;
  hub = await TestHub.start({ now: () => Date.now() + skewMs });
  admin = await hub.admin();
  central = await hub.site('central', 'central');
  dcn0 = await hub.site('dcn0');
});
afterEach(() => hub[Symbol.asyncDispose]());

const refusedReports = (storeId: string, reason: string) =>
  hub.metric('entrepot_agent_reports_refused_total', { store: storeId, reason });
const counted = (storeId: string, reason: string, times = 1) =>
  waitFor(
    `a report refused as ${reason}`,
    async () => (await refusedReports(storeId, reason)) === times,
    5000,
  );

const copied = (assignment: Pick<Assignment__Output, 'taskId' | 'attempt'>, verifiedRoot: string) => ({
  result: { taskId: assignment.taskId, attempt: assignment.attempt, copied: { verifiedRoot } },
});

async function copyTo(storeId: string) {
  const { id: imageId, root } = await hub.image(admin, central);
  const { job } = await hub.call(admin, Images.Copy, { imageId, storeIds: [storeId] });
  return { imageId, root, jobId: job?.id ?? '' };
}

const read = async (ticket: string): Promise<Ticket> =>
  new TicketReader((await hub.nobody()).caPem ?? '').read(ticket, Date.now() + skewMs);

async function getManifest(agent: FakeAgent, root: string): Promise<number> {
  let bytes = 0;
  for await (const { data } of callServerStream(hub.channel(agent.credentials), Agents.GetManifest, { root }))
    bytes += data.length;
  return bytes;
}

describe('an agent', () => {
  test('attaches as its own store alone', async () => {
    const stranger = new FakeAgent(hub, dcn0.credentials, 'central');
    await stranger.hello('other').catch(() => undefined);
    const refusal = await stranger.ended;
    expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
    expect(refusal?.message).toContain('the agent of store dcn0 may not attach as store central');
    await counted('dcn0', 'other-store');
    expect(await hub.events({ actor: 'store/dcn0' })).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'request.refused', outcome: 'FORBIDDEN' })]),
    );
  });

  test('is held to the cluster and pool of its first hello (R10)', async () => {
    const moved = new FakeAgent(hub, dcn0.credentials, 'dcn0');
    await moved.hello('another cluster');
    expect(await moved.ended).toMatchObject({ code: 'CONFLICT', rule: 'R10' });
  });

  test('that is an operator is none', async () => {
    const pretender = new FakeAgent(hub, await hub.admin(), 'dcn0');
    expect(await pretender.ended).toMatchObject({ code: 'FORBIDDEN' });
  });

  test("reports nothing of another store's task", async () => {
    const { imageId, root, jobId } = await copyTo('dcn0');
    const assignment = await dcn0.assigned(imageId);
    await central.say(copied(assignment, root));
    await central.next(({ kept }) => kept);
    await counted('central', 'other-store');
    const { taskId, attempt } = assignment;
    const progress = { phase: 'transferring', doneBytes: 1, totalBytes: 2 };
    await central.say({ progress: { taskId, attempt, progress } });
    await counted('central', 'other-store', 2);
    expect((await hub.call(admin, Jobs.Get, { jobId })).state).toBe('running');
    await dcn0.say(copied(assignment, root));
    await dcn0.next(({ kept }) => kept);
    expect((await hub.call(admin, Jobs.Get, { jobId })).state).toBe('succeeded');
  });

  test('reports nothing of an attempt it was not given, nor of a task there is not', async () => {
    const { imageId, root, jobId } = await copyTo('dcn0');
    const { taskId, attempt } = await dcn0.assigned(imageId);
    await dcn0.say(copied({ taskId, attempt: attempt + 1 }, root));
    await counted('dcn0', 'unknown-attempt');
    await dcn0.say(copied({ taskId: jobId, attempt: 1 }, root));
    await counted('dcn0', 'unknown-task');
    await dcn0.say({ answer: { questionId: 77, children: [] } });
    await counted('dcn0', 'unknown-question');
    expect((await hub.call(admin, Jobs.Get, { jobId })).state).toBe('running');
    expect((await hub.call(admin, Images.Get, { imageId })).copies).toMatchObject([
      { storeId: 'central', state: 'present' },
      { storeId: 'dcn0', state: 'copying' },
    ]);
  });

  test("does not answer for another store's clones", async () => {
    const { imageId, root } = await copyTo('dcn0');
    await dcn0.say(copied(await dcn0.assigned(imageId), root));
    await dcn0.next(({ kept }) => kept);
    const deleted = hub.call(admin, Images.DeleteCopy, { imageId, storeId: 'dcn0' });
    const { questionId } = await dcn0.next(({ question }) => question);
    await central.say({ answer: { questionId, children: [] } });
    await counted('central', 'unknown-question');
    await dcn0.say({ answer: { questionId, children: ['vms/clone'] } });
    expect(await refusalOf(deleted)).toMatchObject({ code: 'IN_USE' });
  });

  test('reads the manifest of an image it is to copy, and of no other', async () => {
    const other = await hub.image(admin, central);
    const { imageId, root } = await copyTo('dcn0');
    await dcn0.assigned(imageId);
    expect(await getManifest(dcn0, root)).toBeGreaterThan(0);
    const refusal = await refusalOf(getManifest(dcn0, other.root));
    expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
    await counted('dcn0', 'unknown-task');
  });

  test('leaves a manifest only while it takes an image in', async () => {
    // Refused at the first piece: the rest is not waited for.
    await using call = callClientStream(hub.channel(dcn0.credentials), Agents.PutManifest);
    await call.write({ data: manifestOf('x').encode() });
    expect(await refusalOf(call.reply)).toMatchObject({ code: 'FORBIDDEN' });
    await counted('dcn0', 'unknown-task');
  });

  test('takes in only what it was given to', async () => {
    const { id: imageId } = await hub.call(admin, Images.Create, { name: 'x' });
    await hub.call(admin, Images.BeginUpload, { imageId, sizeBytes: MIB });
    const { taskId, attempt } = await central.assigned(imageId);
    const taken = callServerStream(hub.channel(dcn0.credentials), Agents.PullUpload, { taskId, attempt });
    expect(await refusalOf(taken.next())).toMatchObject({ code: 'FORBIDDEN' });
    await counted('dcn0', 'other-store');
  });
});

describe('a ticket', () => {
  test('comes with a copy to an edge, which dials', async () => {
    const { imageId } = await copyTo('dcn0');
    const { taskId, attempt, copy } = await dcn0.assigned(imageId);
    expect(copy?.sourceAddress).toBe('127.0.0.1:9');
    expect(await read(copy?.ticket ?? '')).toMatchObject({
      taskId,
      attempt,
      imageId,
      action: 'pull',
      holder: { kind: 'store', storeId: 'dcn0' },
      atStoreId: 'central',
    });
  });

  test('goes to the edge that is to deliver to central', async () => {
    const { id: imageId } = await hub.call(admin, Images.Create, { name: 'edge-born' });
    await hub.call(admin, Images.BeginUpload, { imageId, sizeBytes: MIB, storeId: 'dcn0' });
    await dcn0.ingest(await dcn0.assigned(imageId));
    const { taskId, attempt, copy } = await central.assigned(imageId);
    expect(copy).toMatchObject({ sourceAddress: '', ticket: '' });
    const serve = await dcn0.next((message) => message.serve);
    expect(serve).toMatchObject({ taskId, attempt, imageId, receiverStoreId: 'central' });
    expect(await read(serve.ticket)).toMatchObject({
      action: 'push',
      holder: { kind: 'store', storeId: 'dcn0' },
      atStoreId: 'central',
    });
  });

  test('is renewed for a copy at work when its agent comes back', async () => {
    const { imageId } = await copyTo('dcn0');
    const { taskId, attempt, copy } = await dcn0.assigned(imageId);
    const first = await read(copy?.ticket ?? '');
    dcn0.end();
    await dcn0.ended;
    skewMs = 60_000;
    const again = new FakeAgent(hub, dcn0.credentials, 'dcn0');
    await again.hello('dcn0', [{ taskId, attempt }]);
    const renewed = await again.next((message) => message.renewedTicket);
    expect(renewed).toMatchObject({ taskId, attempt });
    const second = await read(renewed.ticket);
    expect(second).toMatchObject({ taskId, attempt, holder: first.holder, imageId });
    expect(second.expiresAtMs).toBeGreaterThan(first.expiresAtMs);
  });
});
