import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_TRAFFIC } from '../../../src/domain/job.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { ChangeFeed } from '../../../src/hub/change-feed.ts';
import { ProgressBoard } from '../../../src/hub/progress-board.ts';
import { type Offer, Uploads } from '../../../src/hub/uploads.ts';
import { jobView } from '../../../src/hub/views.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import type { BytesBefore } from '../../../src/transfer/ingest-checkpoint.ts';
import { UPLOAD_KEEP_MS, World } from '../queue/world.ts';

let world: World;
let uploads: Uploads;
let feed: ChangeFeed;
let jobId: string;

beforeEach(() => {
  world = new World();
  feed = new ChangeFeed();
  uploads = new Uploads({
    catalogue: world.catalogue,
    feed,
    onOffered: (id) => world.queue.uploaderCame(id),
    meetTimeoutMs: 200,
  });
  world.attach('central');
  jobId = world.import(world.imageIds[0] as string, 'central', [], false)?.id ?? '';
});

afterEach(() => world[Symbol.dispose]());

const frame = (n: number): Frame => ({ offset: n, data: new Uint8Array(1), last: true });
const NOTHING: BytesBefore = { lengthBytes: 0, sha512: '' };
const offerOf = (given: AsyncIterable<Frame>, begin: Offer['begin'] = async () => undefined): Offer => ({
  begin,
  frames: given,
});
const never = () => new AbortController().signal;

async function* frames(count: number, onRead: (n: number) => void = () => undefined) {
  for (let n = 0; n < count; n++) {
    onRead(n);
    yield frame(n);
  }
  yield { offset: count, data: new Uint8Array(), last: true };
}

test('every frame is handed over in order, whoever comes first', async () => {
  const taken: number[] = [];
  const offer = uploads.offer(jobId, offerOf(frames(5)), never());
  await uploads.take(jobId, NOTHING, async ({ offset }) => void taken.push(offset), never());
  expect(await offer).toBe(5);
  expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
});

test('the next frame is read when the agent has taken the one before', async () => {
  let read = 0;
  const gate = Promise.withResolvers<void>();
  const take = uploads.take(jobId, NOTHING, () => gate.promise, never());
  const onRead = (n: number) => {
    read = n + 1;
  };
  const offer = uploads.offer(jobId, offerOf(frames(5, onRead)), never());
  await world.settle();
  expect(read).toBe(1);
  gate.resolve();
  await Promise.all([take, offer]);
  expect(read).toBe(5);
});

test('an agent that no operator comes to is told so', async () => {
  await expect(uploads.take(jobId, NOTHING, async () => undefined, never())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

test('an operator that leaves ends the agent side, and the other way round', async () => {
  async function* broken() {
    yield frame(0);
    throw new Error('cut');
  }
  const take = uploads.take(jobId, NOTHING, async () => undefined, never());
  await expect(uploads.offer(jobId, offerOf(broken()), never())).rejects.toThrow('cut');
  await expect(take).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('after 1 '),
  });

  const gone = uploads.take(
    jobId,
    NOTHING,
    async () => {
      throw new Error('agent is gone');
    },
    never(),
  );
  await expect(uploads.offer(jobId, offerOf(frames(2)), never())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('has gone away'),
  });
  await expect(gone).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a caller that is killed looks as if it had ended, and has not', async () => {
  async function* killed() {
    yield frame(0);
  }
  const take = uploads.take(jobId, NOTHING, async () => undefined, never());
  await expect(uploads.offer(jobId, offerOf(killed()), never())).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(take).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('who sends what is no upload at all is not waited for again', async () => {
  async function* garbage(): AsyncGenerator<Frame> {
    yield frame(0);
    throw new Refusal('INVALID', 'no frame');
  }
  const take = uploads.take(jobId, NOTHING, async () => undefined, never());
  await expect(uploads.offer(jobId, offerOf(garbage()), never())).rejects.toMatchObject({ code: 'INVALID' });
  await expect(take).rejects.toMatchObject({ code: 'INVALID' });
});

test('the operator is told what the agent has before a frame is read', async () => {
  const told: (BytesBefore | 'read')[] = [];
  const before = { lengthBytes: 4096, sha512: 'ab' };
  const offered = offerOf(
    frames(1, () => told.push('read')),
    async (given) => void told.push(given),
  );
  const offer = uploads.offer(jobId, offered, never());
  await uploads.take(jobId, before, async () => undefined, never());
  await offer;
  expect(told).toEqual([before, 'read']);
});

test('a later attempt of the agent takes the place of one that was not seen to leave', async () => {
  const stuck = Promise.withResolvers<void>();
  const early = uploads.take(jobId, NOTHING, () => stuck.promise, never());
  early.catch(() => undefined);
  const first = uploads.offer(jobId, offerOf(frames(2)), never());
  first.catch(() => undefined);
  await world.settle();
  const taken: number[] = [];
  const late = uploads.take(jobId, NOTHING, async ({ offset }) => void taken.push(offset), never());
  await expect(early).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(first).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await uploads.offer(jobId, offerOf(frames(2)), never())).toBe(2);
  await late;
  expect(taken).toEqual([0, 1, 2]);
  stuck.resolve();
});

test('an operator that waits hears at once of an agent that leaves', async () => {
  const left = new AbortController();
  const take = uploads.take(jobId, NOTHING, async () => undefined, left.signal);
  take.catch(() => undefined);
  const begin = () => new Promise<void>(() => undefined);
  const offer = uploads.offer(jobId, offerOf(frames(1), begin), never());
  await world.settle();
  left.abort(new Refusal('UNAVAILABLE', 'cut'));
  await expect(offer).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

describe('an upload that broke off', () => {
  const fail = async () => {
    await world.settle();
    world.sites.begin('central', 0);
    const reason = { code: 'UNAVAILABLE', message: 'broke off' } as const;
    world.sites.end('central', 0, { kind: 'failed', reason, traffic: NO_TRAFFIC });
    await world.settle();
  };
  const task = () => world.catalogue.tasks.ofJob(jobId)[0];

  test('waits for its operator, and begins soon when one is there', async () => {
    await fail();
    expect(task()).toMatchObject({ state: 'queued', notBeforeMs: world.nowMs + UPLOAD_KEEP_MS });
    expect(world.job(jobId).state).toBe('running');
    const { reason, uploadBytes } = jobView(world.job(jobId), world.catalogue, new ProgressBoard(() => 0));
    const until = new Date(world.nowMs + UPLOAD_KEEP_MS).toISOString();
    expect({ reason, uploadBytes }).toEqual({
      reason: `waits for the rest of its upload, until ${until}`,
      uploadBytes: 4096,
    });
    const offer = uploads.offer(jobId, offerOf(frames(1)), never());
    const soonMs = world.nowMs + 1000;
    expect(task()?.notBeforeMs).toBeLessThanOrEqual(soonMs);
    world.nowMs = soonMs;
    world.queue.repaced();
    await world.settle();
    expect(task()).toMatchObject({ state: 'assigned', attempt: 2 });
    await uploads.take(jobId, NOTHING, async () => undefined, never());
    expect(await offer).toBe(1);
  });

  test('begins soon also when it breaks off while the operator is there already', async () => {
    const offer = uploads.offer(jobId, offerOf(frames(1)), never());
    await fail();
    feed.notify(world.imageIds[0] as string);
    expect(task()?.notBeforeMs).toBeLessThanOrEqual(world.nowMs + 1000);
    await uploads.take(jobId, NOTHING, async () => undefined, never());
    await offer;
  });

  test('is given up when nobody came in time', async () => {
    await fail();
    world.nowMs += UPLOAD_KEEP_MS;
    world.queue.repaced();
    await fail();
    expect(world.job(jobId).state).toBe('failed');
    expect(world.catalogue.images.get(world.imageIds[0] as string).status).toBe('queued');
  });

  test('is kept once more when it breaks off again', async () => {
    await fail();
    const left = new AbortController();
    const offer = uploads.offer(jobId, offerOf(frames(1)), left.signal);
    world.nowMs += 1000;
    world.queue.repaced();
    await world.settle();
    left.abort(new Refusal('UNAVAILABLE', 'cut'));
    await expect(offer).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await fail();
    expect(task()).toMatchObject({ state: 'queued', notBeforeMs: world.nowMs + UPLOAD_KEEP_MS, attempt: 2 });
  });

  test('can be cancelled at once', async () => {
    await fail();
    world.queue.cancel(jobId, 'ada');
    expect(world.job(jobId).state).toBe('cancelled');
  });
});

test('a second operator for the same import is refused', async () => {
  const first = uploads.offer(jobId, offerOf(frames(1)), never());
  await expect(uploads.offer(jobId, offerOf(frames(1)), never())).rejects.toMatchObject({ code: 'CONFLICT' });
  await uploads.take(jobId, NOTHING, async () => undefined, never());
  await first;
});

test('an upload ends with the job that was cancelled', async () => {
  const offer = uploads.offer(jobId, offerOf(frames(1)), never());
  world.queue.cancel(jobId, 'ada');
  await world.settle();
  world.sites.begin('central', 0);
  world.sites.end('central', 0);
  feed.notify(world.imageIds[0] as string);
  await expect(offer).rejects.toMatchObject({ code: 'CANCELLED' });
});

test.each([
  ['the import', (isPaused: boolean) => world.pauseJob(world.job(jobId), isPaused)],
  ['its store', (isPaused: boolean) => world.pauseStore('central', isPaused)],
])('nothing is handed over while %s is paused', async (_what, pause) => {
  await world.settle();
  const change = (isPaused: boolean) => {
    pause(isPaused);
    feed.notify(world.imageIds[0] as string);
  };
  const taken: number[] = [];
  const take = uploads.take(
    jobId,
    NOTHING,
    async ({ offset }) => {
      taken.push(offset);
      if (offset === 1) change(true);
    },
    never(),
  );
  const offer = uploads.offer(jobId, offerOf(frames(4)), never());
  await world.settle();
  feed.notify(world.imageIds[0] as string);
  await world.settle();
  expect(taken).toEqual([0, 1]);
  change(false);
  await Promise.all([take, offer]);
  expect(taken).toEqual([0, 1, 2, 3, 4]);
});

test('an import that is paused can be cancelled', async () => {
  await world.settle();
  world.sites.begin('central', 0);
  const take = uploads.take(jobId, NOTHING, async () => world.pauseJob(world.job(jobId), true), never());
  take.catch(() => undefined);
  const offer = uploads.offer(jobId, offerOf(frames(4)), never());
  offer.catch(() => undefined);
  await world.settle();
  world.queue.cancel(jobId, 'ada');
  world.sites.begin('central', 0);
  world.sites.end('central', 0);
  feed.notify(world.imageIds[0] as string);
  await expect(offer).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('frames leave nothing behind in memory, however many there are', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const count = 50_000;
  let beforeBytes = 0;
  let afterBytes = 0;
  const usedBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const onRead = (n: number) => {
    if (n === 1000) beforeBytes = usedBytes();
    if (n === count - 1) afterBytes = usedBytes();
  };
  const take = uploads.take(jobId, NOTHING, async () => undefined, never());
  expect(await uploads.offer(jobId, offerOf(frames(count, onRead)), never())).toBe(count);
  await take;
  expect((afterBytes - beforeBytes) / count).toBeLessThan(50);
});
