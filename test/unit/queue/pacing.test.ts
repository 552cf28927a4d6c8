import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/domain/job.ts';
import { STORE_IDS, World } from './world.ts';

let world: World;
let images: string[];

beforeEach(() => {
  world = new World(4, { perStore: 2, overall: 3 });
  images = world.imageIds;
  for (const id of STORE_IDS) world.attach(id);
  for (const imageId of images) world.fill(imageId);
});
afterEach(() => world[Symbol.dispose]());

const to = (...storeIds: string[]) => ({ storeIds, allStores: false, allMustSucceed: false });
const image = (n: number) => images[n] as string;

function copy(n: number, storeId: string, lane?: 'demand' | 'normal' | 'background'): Job {
  const job = world.copy(image(n), to(storeId), lane);
  if (job === undefined) throw new Error('nothing to do');
  return job;
}

/** Which images a store is at work on. */
async function atWork(storeId: string): Promise<number[]> {
  await world.settle();
  world.check();
  const works = [...world.sites.site(storeId).working.values()];
  return works.map(({ assignment }) => images.indexOf(assignment.task.imageId)).sort((a, b) => a - b);
}

async function end(storeId: string): Promise<void> {
  await world.settle();
  world.sites.end(storeId, 0);
  await world.settle();
}

describe('lanes', () => {
  test('go one after the other, each in order of arrival', async () => {
    world.pauseStore('dcn0', true);
    copy(0, 'dcn0', 'background');
    copy(1, 'dcn0');
    copy(2, 'dcn0');
    copy(3, 'dcn0', 'demand');
    world.pauseStore('dcn0', false);
    expect(await atWork('dcn0')).toEqual([1, 3]);
    await end('dcn0');
    expect((await atWork('dcn0')).includes(0)).toBe(false);
    await end('dcn0');
    await end('dcn0');
    expect(await atWork('dcn0')).toEqual([0]);
  });

  test('an image somebody waits for does not wait for pre-placements at work', async () => {
    copy(0, 'dcn0', 'background');
    copy(1, 'dcn0', 'background');
    copy(2, 'dcn0', 'background');
    expect(await atWork('dcn0')).toEqual([0, 1]);
    copy(3, 'dcn0', 'demand');
    expect(await atWork('dcn0')).toEqual([0, 1, 3]);
    // And what ends is not replaced until there is room for its lane.
    await end('dcn0');
    expect(await atWork('dcn0')).toEqual([1, 3]);
  });

  test('a request brings the job it joins, and those it waits for, into its own', async () => {
    const first = copy(0, 'dcn0', 'background');
    const second = copy(0, 'dcn1', 'background');
    expect(copy(0, 'dcn0', 'normal').id).toBe(first.id);
    expect([first, second].map(({ id }) => world.job(id).lane)).toEqual(['normal', 'background']);
    const third = world.copy(image(0), to('dcn1'), 'demand');
    expect(third?.id).toBe(second.id);
    expect([first, second].map(({ id }) => world.job(id).lane)).toEqual(['demand', 'demand']);
    copy(0, 'dcn0', 'background');
    expect(world.job(first.id).lane).toBe('demand');
    const raised = world.catalogue.events
      .list({ limit: 100 })
      .filter(({ kind }) => kind === 'job.lane-raised');
    expect(raised.map(({ jobId, detail }) => [jobId, detail])).toEqual([
      [first.id, { lane: 'normal', before: 'background' }],
      [first.id, { lane: 'demand', before: 'normal' }],
      [second.id, { lane: 'demand', before: 'background' }],
    ]);
  });
});

describe('a paused job', () => {
  test('begins nothing until it is resumed', async () => {
    world.pauseStore('central', true);
    const job = copy(0, 'dcn0');
    world.pauseJob(job, true);
    world.pauseStore('central', false);
    expect(await atWork('dcn0')).toEqual([]);
    world.pauseJob(job, false);
    expect(await atWork('dcn0')).toEqual([0]);
  });

  test('keeps what runs, and leaves its room to others', async () => {
    const jobs = [copy(0, 'dcn0'), copy(1, 'dcn0')];
    expect(await atWork('dcn0')).toEqual([0, 1]);
    copy(2, 'dcn0');
    expect(await atWork('dcn0')).toEqual([0, 1]);
    for (const job of jobs) world.pauseJob(job, true);
    expect(await atWork('dcn0')).toEqual([0, 1, 2]);
    // What ends all the same counts.
    await end('dcn0');
    expect(world.job(jobs[0]?.id ?? '').state).toBe('succeeded');
  });

  test('can be cancelled, waiting or running', async () => {
    const running = copy(0, 'dcn0');
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.pauseJob(running, true);
    const waiting = copy(1, 'dcn1');
    world.pauseJob(waiting, true);
    for (const { id } of [running, waiting]) world.queue.cancel(id, 'ada');
    expect(world.job(waiting.id).state).toBe('cancelled');
    world.sites.begin('dcn0', 0);
    await end('dcn0');
    expect(world.job(running.id).state).toBe('cancelled');
  });

  test('takes back what it made when it is cancelled', async () => {
    const job = world.copy(image(0), { storeIds: ['dcn0', 'dcn1'], allStores: false, allMustSucceed: true });
    await end('dcn0');
    world.pauseJob(job as Job, true);
    world.queue.cancel(job?.id ?? '', 'ada');
    await end('dcn1');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    expect(world.copies(image(0))).toBe('central=present');
  });

  test('stays one over a restart of the hub', async () => {
    const job = copy(0, 'dcn0');
    world.pauseJob(job, true);
    world.restartHub();
    for (const id of STORE_IDS) world.attach(id);
    expect(await atWork('dcn0')).toEqual([]);
  });

  test.each([
    ['ended', true],
    ['cancelled', false],
  ])('is not one that has %s', async (_, isEnded) => {
    const job = copy(0, 'dcn0');
    await world.settle();
    if (isEnded) await end('dcn0');
    else world.queue.cancel(job.id, 'ada');
    expect(() => world.pauseJob(job, true)).toThrow(isEnded ? 'already ended' : 'is being cancelled');
  });
});

describe('a paused store', () => {
  test.each(['dcn0', 'central'])('neither receives nor sends: %s', async (storeId) => {
    world.pauseStore(storeId, true);
    copy(0, 'dcn0');
    copy(1, 'dcn1');
    expect(await atWork('dcn0')).toEqual([]);
    expect(await atWork('dcn1')).toEqual(storeId === 'central' ? [] : [1]);
    world.pauseStore(storeId, false);
    expect(await atWork('dcn0')).toEqual([0]);
  });

  test('takes no image in', async () => {
    using other = new World();
    for (const id of STORE_IDS) other.attach(id);
    other.pauseStore('dcn0', true);
    other.import(other.imageIds[0] as string, 'dcn0', [], false);
    await other.settle();
    expect(other.sites.site('dcn0').working.size).toBe(0);
    other.pauseStore('dcn0', false);
    await other.settle();
    expect(other.sites.site('dcn0').working.size).toBe(1);
  });

  test('deletes all the same, however much stands still there', async () => {
    copy(2, 'dcn0');
    await end('dcn0');
    for (const n of [0, 1]) copy(n, 'dcn0');
    await world.settle();
    world.pauseStore('dcn0', true);
    const job = world.deleteCopy(image(2), 'dcn0');
    expect(await atWork('dcn0')).toEqual([0, 1, 2]);
    world.sites.end('dcn0', 2);
    await world.settle();
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('removed and added again is not paused, and has no rate', () => {
    const { catalogue } = world;
    catalogue.transact(() => catalogue.stores.setRate('dcn1', '20M'));
    world.pauseStore('dcn1', true);
    world.readd('dcn1', true);
    expect(catalogue.stores.get('dcn1')).toMatchObject({ rate: undefined, pausedAtMs: undefined });
  });
});
