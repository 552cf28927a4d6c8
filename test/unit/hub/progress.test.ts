import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callServerStream } from '../../../src/rpc/calls.ts';
import type { ChannelCredentials } from '../../../src/rpc/channel.ts';
import type { Assignment__Output } from '../../../src/rpc/generated/entrepot/v1/Assignment.ts';
import type { Job__Output } from '../../../src/rpc/generated/entrepot/v1/Job.ts';
import type { Progress } from '../../../src/rpc/generated/entrepot/v1/Progress.ts';
import { Events, Images, Jobs, Stores } from '../../../src/rpc/proto.ts';
import { type FakeAgent, TestHub } from './test-hub.ts';

let laterMs = 0;
let hub: TestHub;
let admin: ChannelCredentials;
let central: FakeAgent;
let dcn0: FakeAgent;
beforeEach(async () => {
  laterMs = 0;
  hub = await TestHub.start({ now: () => Date.now() + laterMs });
  admin = await hub.admin();
  central = await hub.site('central', 'central');
  dcn0 = await hub.site('dcn0');
});
afterEach(() => hub[Symbol.asyncDispose]());

const show = (jobId: string) => hub.call(admin, Jobs.Get, { jobId });

/** A copy to dcn0 that its agent has been given. */
async function copy() {
  const { id, root } = await hub.image(admin, central);
  const { job } = await hub.call(admin, Images.Copy, { imageId: id, storeIds: ['dcn0'] });
  if (job === null) throw new Error('nothing to do');
  return { imageId: id, root, jobId: job.id, work: await dcn0.assigned(id) };
}

async function say({ taskId, attempt }: Assignment__Output, progress: Progress): Promise<void> {
  await dcn0.say({ progress: { taskId, attempt, progress: { totalBytes: 1000, ...progress } } });
}

/** What a watcher is told, one after the other. */
function watch(jobId: string) {
  const changes = callServerStream(hub.channel(admin), Jobs.Watch, { jobId })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await changes.next();
    if (done === true) throw new Error('the watch has ended');
    return value as Job__Output;
  };
  /** The next that is as wanted; what comes before it is left out. */
  const until = async (isWanted: (progress: Progress) => boolean) => {
    for (;;) {
      const progress = (await next()).tasks[0]?.progress;
      if (progress != null && isWanted(progress)) return progress;
    }
  };
  return { next, until, end: () => changes.return?.() };
}

describe('a watcher', () => {
  test('is told every phase, with all there is to know of it', async () => {
    const { jobId, work } = await copy();
    const watching = watch(jobId);
    for (const phase of ['preparing', 'transferring', 'flushing', 'verifying', 'publishing']) {
      await say(work, { phase });
      await watching.until((progress) => progress.phase === phase);
    }
    const all = { doneBytes: 500, resumedBytes: 200, holeBytes: 9, receivedBytes: 300, wireBytes: 100 };
    await say(work, { phase: 'transferring', ...all, compression: 'on' });
    expect(await watching.until(({ doneBytes }) => doneBytes === 500)).toMatchObject({
      ...all,
      compression: 'on',
    });
    await watching.end();
  });

  test('sees the rate fall to nothing, and no time left, while nothing is heard', async () => {
    const { jobId, work } = await copy();
    await say(work, { phase: 'transferring' });
    await expect.poll(async () => (await show(jobId)).tasks[0]?.progress).not.toBeNull();
    laterMs = 1000;
    await say(work, { phase: 'transferring', doneBytes: 400, receivedBytes: 400 });
    const watching = watch(jobId);
    const moving = await watching.until(({ doneBytes }) => doneBytes === 400);
    expect(moving.rateBytesPerSecond).toBeGreaterThan(50);
    expect(moving.remainingSeconds).toBeGreaterThan(0);
    laterMs = 6500;
    const still = await watching.until(({ rateBytesPerSecond }) => rateBytesPerSecond === 0);
    expect(still).toMatchObject({ doneBytes: 400 });
    expect(still).not.toHaveProperty('remainingSeconds');
    await watching.end();
  });
});

describe('what a task came to', () => {
  const traffic = (receivedBytes: number) => ({
    receivedBytes,
    wireBytes: receivedBytes / 2,
    holeBytes: 40,
    resumedBytes: 1000 - receivedBytes,
    verifiedBytes: 1000,
  });

  test('is kept after its end, over all attempts, and after a restart', async () => {
    const { imageId, jobId, root, work } = await copy();
    const { taskId } = work;
    const failure = { code: 'UNAVAILABLE', message: 'the link broke', hint: '' };
    await say(work, { phase: 'transferring', compression: 'processors-busy' });
    await dcn0.say({ result: { taskId, attempt: 1, failure, traffic: traffic(600), seconds: 2 } });
    await dcn0.next(({ kept }) => kept);
    expect((await show(jobId)).tasks[0]?.totals).toMatchObject({
      seconds: 2,
      compression: 'processors-busy',
    });
    laterMs = 3_600_000;
    const again = await dcn0.assigned(imageId);
    const copied = { verifiedRoot: root };
    const { attempt } = again;
    await say(again, { phase: 'transferring', compression: 'on' });
    await dcn0.say({ result: { taskId, attempt, copied, traffic: traffic(400), seconds: 1.5 } });
    await dcn0.next(({ kept }) => kept);
    const totals = {
      traffic: { receivedBytes: 1000, wireBytes: 500, holeBytes: 40, resumedBytes: 600, verifiedBytes: 2000 },
      seconds: 3.5,
      compression: 'on',
    };
    expect((await show(jobId)).tasks).toMatchObject([{ state: 'done', progress: null, totals }]);
    const { events } = await hub.call(admin, Events.List, { imageId, limit: 1000 });
    const ended = events.filter(({ kind }) => kind === 'task.done').at(-1);
    expect(JSON.parse(ended?.detailJson ?? '')).toEqual({
      attempt,
      ...totals.traffic,
      seconds: 3.5,
      bytesPerSecond: 286,
      compression: 'on',
    });
    await hub.down();
    await hub.up();
    expect((await show(jobId)).tasks).toMatchObject([{ totals }]);
  });

  test('counts an attempt once, and none that is over already', async () => {
    const { jobId, root, work } = await copy();
    const { taskId, attempt } = work;
    const result = { taskId, attempt, copied: { verifiedRoot: root }, traffic: traffic(600), seconds: 2 };
    for (let time = 0; time < 2; time += 1) {
      await dcn0.say({ result });
      await dcn0.next(({ kept }) => kept);
    }
    expect((await show(jobId)).tasks).toMatchObject([
      { totals: { traffic: { receivedBytes: 600 }, seconds: 2 } },
    ]);
  });

  test('is not followed by last words that were on their way', async () => {
    const { jobId, root, work } = await copy();
    const { taskId, attempt } = work;
    await dcn0.say({ result: { taskId, attempt, copied: { verifiedRoot: root } } });
    await say(work, { phase: 'transferring', doneBytes: 5 });
    await dcn0.say({ result: { taskId, attempt, copied: { verifiedRoot: root } } });
    for (let time = 0; time < 2; time += 1) await dcn0.next(({ kept }) => kept);
    expect((await show(jobId)).tasks).toMatchObject([{ state: 'done', progress: null }]);
    expect(await hub.metric('entrepot_store_transfers', { store: 'dcn0' })).toBe(0);
  });

  test('is nothing where an agent says what cannot be', async () => {
    const { jobId, root, work } = await copy();
    const { taskId, attempt } = work;
    await dcn0.say({ result: { taskId, attempt, copied: { verifiedRoot: root }, seconds: Number.NaN } });
    await dcn0.next(({ kept }) => kept);
    expect((await show(jobId)).tasks).toMatchObject([{ totals: { traffic: { wireBytes: 0 }, seconds: 0 } }]);
  });

  test('is not in the log before the end', async () => {
    const { imageId, jobId, work } = await copy();
    for (let done = 0; done < 5; done += 1) await say(work, { phase: 'transferring', doneBytes: done });
    await expect.poll(async () => (await show(jobId)).tasks[0]?.progress?.doneBytes).toBe(4);
    const { events } = await hub.call(admin, Events.List, { imageId, limit: 1000 });
    expect(events.filter(({ taskId }) => taskId === work.taskId).map(({ kind }) => kind)).toEqual([
      'task.queued',
      'task.assigned',
      'task.running',
    ]);
  });
});

describe('the reason of a job that stands still', () => {
  test('is that it is paused, or a store is, besides what it waits for', async () => {
    const { imageId, jobId } = await copy();
    const reason = async (id = jobId) => (await show(id)).reason;
    expect(await reason()).toBe('');
    await hub.call(admin, Stores.Pause, { id: 'central' });
    expect(await reason()).toBe('store central is paused');
    await hub.call(admin, Jobs.Pause, { jobId });
    expect(await reason()).toBe('the job is paused');
    const next = await hub.call(admin, Images.DeleteCopy, { imageId, storeId: 'dcn0' });
    await hub.call(admin, Jobs.Pause, { jobId: next.id });
    expect(await reason(next.id)).toBe(`waits for job ${jobId} (copy, paused); the job is paused`);
    await hub.call(admin, Jobs.Resume, { jobId });
    await hub.call(admin, Stores.Resume, { id: 'central' });
    expect(await reason()).toBe('');
  });
});
