import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import { Images, Jobs, Stores } from '../../../src/rpc/proto.ts';
import { withFields } from '../../../src/telemetry/request-context.ts';
import { type FakeAgent, MIB, TestHub } from './test-hub.ts';

/*
 * In whose name events are. What somebody asks for is his; what the queue makes of it, then or later, is
 * the hub's, by the request that asked for the job, whoever happens to call in that moment.
 */

/** Long enough for another call to come in between. */
const RETRY_MS = 2000;

let hub: TestHub;
let central: FakeAgent;
let alice: ChannelCredentials;
let bob: ChannelCredentials;
beforeEach(async () => {
  const retry = { first_delay_ms: RETRY_MS, max_delay_ms: RETRY_MS };
  hub = await TestHub.start({ config: { queue: { retry } } });
  central = await hub.site('central', 'central');
  alice = await hub.addOperator('alice', 'member');
  bob = await hub.addOperator('bob', 'admin');
});
afterEach(() => hub[Symbol.asyncDispose]());

const as = <T>(requestId: string, work: () => Promise<T>): Promise<T> => withFields({ requestId }, work);

/** Actor, whence, kind and request of what became of an image, from an event on. */
async function written(imageId: string, from = 0) {
  const events = (await hub.events({ imageId })).slice(from);
  return events.map(({ actor, peer, kind, requestId }) => [
    actor,
    peer === '' ? '' : 'peer',
    kind,
    requestId,
  ]);
}

test.each<[string, () => Promise<unknown>]>([
  [
    'begins a job',
    async () => {
      const { id } = await hub.call(bob, Images.Create, { name: 'of bob' });
      return hub.call(bob, Images.BeginUpload, { imageId: id, sizeBytes: MIB });
    },
  ],
  ['removes a store', () => hub.call(bob, Stores.Remove, { id: 'dcn1' })],
])('an attempt that a timer begins is not in the name of whoever %s meanwhile', async (_, meanwhile) => {
  await hub.addStore('dcn1');
  const dcn0 = await hub.site('dcn0');
  const { id: imageId } = await hub.image(alice, central);
  await as('alice-copies', () => hub.call(alice, Images.Copy, { imageId, storeIds: ['dcn0'] }));
  const { taskId, attempt } = await dcn0.assigned(imageId);
  await dcn0.say({ result: { taskId, attempt, failure: { code: 'CORRUPT', message: 'bad bytes' } } });
  await dcn0.next(({ kept }) => kept);
  const before = (await hub.events({ imageId })).length;
  await as('of-bob', meanwhile);
  expect((await dcn0.assigned(imageId)).attempt).toBe(2);
  expect(await written(imageId, before)).toEqual([['hub', '', 'task.assigned', 'alice-copies']]);
});

test('a job that begins when another ends is not in the name of whoever ended that', async () => {
  await hub.addStore('dcn1');
  const dcn0 = await hub.site('dcn0');
  const { id: imageId } = await hub.image(alice, central);
  // dcn1 has no agent, so that this job waits until it is cancelled.
  const { job } = await as('bob-copies', () => hub.call(bob, Images.Copy, { imageId, storeIds: ['dcn1'] }));
  await as('alice-copies', () => hub.call(alice, Images.Copy, { imageId, storeIds: ['dcn0'] }));
  const before = (await hub.events({ imageId })).length;
  await as('bob-cancels', () => hub.call(bob, Jobs.Cancel, { jobId: job?.id ?? '' }));
  await dcn0.assigned(imageId);
  expect(await written(imageId, before)).toEqual([
    ['operator/bob', 'peer', 'job.cancel-requested', 'bob-cancels'],
    ['hub', '', 'task.failed', 'bob-copies'],
    ['hub', '', 'copy.absent', 'bob-copies'],
    ['hub', '', 'job.cancelled', 'bob-copies'],
    ['hub', '', 'job.running', 'alice-copies'],
    ['hub', '', 'task.queued', 'alice-copies'],
    ['hub', '', 'copy.copying', 'alice-copies'],
    ['hub', '', 'task.assigned', 'alice-copies'],
  ]);
});

test('what is done once the stores have answered is in the name of the hub', async () => {
  const { id: imageId } = await hub.image(alice, central);
  const before = (await hub.events({ imageId })).length;
  const deleted = as('alice-deletes', () => hub.call(alice, Images.Delete, { imageId }));
  // For the answer to the operator, and for the job.
  for (const _ of ['rules', 'plan']) {
    const { questionId } = await central.next(({ question }) => question);
    await central.say({ answer: { questionId, children: [] } });
  }
  const { taskId, attempt } = await central.assigned(imageId);
  await deleted;
  await central.say({ result: { taskId, attempt, deleted: {} } });
  await central.next(({ kept }) => kept);
  const events = await written(imageId, before);
  expect(events[0]).toEqual(['operator/alice', 'peer', 'job.queued', 'alice-deletes']);
  const byHub = events.filter(([actor]) => actor === 'hub');
  expect(byHub.map(([, , kind]) => kind)).toEqual([
    'job.running',
    'image.pending_delete',
    'copy.deleting',
    'task.queued',
    'task.assigned',
    'image.deleted',
    'image.emptied',
    'job.succeeded',
  ]);
  expect(byHub.every(([, peer, , requestId]) => peer === '' && requestId === 'alice-deletes')).toBe(true);
  // The rest is what the store says it did.
  const others = events.slice(1).filter(([actor]) => actor !== 'hub');
  expect(new Set(others.map(([actor]) => actor))).toEqual(new Set(['store/central']));
});
