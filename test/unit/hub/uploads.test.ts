import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChangeFeed } from '../../../src/hub/change-feed.ts';
import { Uploads } from '../../../src/hub/uploads.ts';
import type { Frame } from '../../../src/transfer/frames.ts';
import { World } from '../queue/world.ts';

let world: World;
let uploads: Uploads;
let feed: ChangeFeed;
let jobId: string;

beforeEach(() => {
  world = new World();
  feed = new ChangeFeed();
  uploads = new Uploads(world.catalogue, feed, 200);
  world.attach('central');
  jobId = world.import(world.imageIds[0] as string, 'central', [], false)?.id ?? '';
});

afterEach(() => world[Symbol.dispose]());

const frame = (n: number): Frame => ({ offset: n, data: new Uint8Array(1), last: true });
const never = () => new AbortController().signal;

async function* frames(count: number, onRead: (n: number) => void = () => undefined) {
  for (let n = 0; n < count; n++) {
    onRead(n);
    yield frame(n);
  }
}

test('every frame is handed over in order, whoever comes first', async () => {
  const taken: number[] = [];
  const offer = uploads.offer(jobId, frames(5), never());
  await uploads.take(jobId, async ({ offset }) => void taken.push(offset), never());
  expect(await offer).toBe(5);
  expect(taken).toEqual([0, 1, 2, 3, 4]);
});

test('the next frame is read when the agent has taken the one before', async () => {
  let read = 0;
  const gate = Promise.withResolvers<void>();
  const take = uploads.take(jobId, () => gate.promise, never());
  const offer = uploads.offer(
    jobId,
    frames(5, (n) => {
      read = n + 1;
    }),
    never(),
  );
  await world.settle();
  expect(read).toBe(1);
  gate.resolve();
  await Promise.all([take, offer]);
  expect(read).toBe(5);
});

test('an agent that no operator comes to is told so', async () => {
  await expect(uploads.take(jobId, async () => undefined, never())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

test('an operator that leaves ends the agent side, and the other way round', async () => {
  async function* broken() {
    yield frame(0);
    throw new Error('cut');
  }
  const take = uploads.take(jobId, async () => undefined, never());
  await expect(uploads.offer(jobId, broken(), never())).rejects.toThrow('cut');
  await expect(take).rejects.toMatchObject({ code: 'CANCELLED' });

  const gone = uploads.take(
    jobId,
    async () => {
      throw new Error('agent is gone');
    },
    never(),
  );
  await expect(uploads.offer(jobId, frames(2), never())).rejects.toThrow('agent is gone');
  await expect(gone).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('a second operator for the same import is refused', async () => {
  const first = uploads.offer(jobId, frames(1), never());
  await expect(uploads.offer(jobId, frames(1), never())).rejects.toMatchObject({ code: 'CONFLICT' });
  await uploads.take(jobId, async () => undefined, never());
  await first;
});

test('an upload ends with the job that was cancelled', async () => {
  const offer = uploads.offer(jobId, frames(1), never());
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
    async ({ offset }) => {
      taken.push(offset);
      if (offset === 1) change(true);
    },
    never(),
  );
  const offer = uploads.offer(jobId, frames(4), never());
  await world.settle();
  feed.notify(world.imageIds[0] as string);
  await world.settle();
  expect(taken).toEqual([0, 1]);
  change(false);
  await Promise.all([take, offer]);
  expect(taken).toEqual([0, 1, 2, 3]);
});

test('an import that is paused can be cancelled', async () => {
  await world.settle();
  world.sites.begin('central', 0);
  const take = uploads.take(jobId, async () => world.pauseJob(world.job(jobId), true), never());
  take.catch(() => undefined);
  const offer = uploads.offer(jobId, frames(4), never());
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
  const take = uploads.take(jobId, async () => undefined, never());
  expect(await uploads.offer(jobId, frames(count, onRead), never())).toBe(count);
  await take;
  expect((afterBytes - beforeBytes) / count).toBeLessThan(50);
});
