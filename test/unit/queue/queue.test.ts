import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failed } from './fake-sites.ts';
import { STORE_IDS, World } from './world.ts';

let world: World;
let imageId: string;

beforeEach(async () => {
  world = new World(2);
  [imageId] = world.imageIds as [string, string];
  for (const id of STORE_IDS) world.attach(id);
});

afterEach(() => {
  world[Symbol.dispose]();
});

const to = (...storeIds: string[]) => ({ storeIds, allStores: false, allMustSucceed: false });

async function end(storeId: string, failure?: Parameters<typeof failed>[0]): Promise<void> {
  await world.settle();
  world.sites.begin(storeId, 0);
  world.sites.end(storeId, 0, failure && failed(failure, failure));
  await world.settle();
  world.check();
}

describe('copy', () => {
  beforeEach(() => world.fill(imageId));

  test('ten requests at once are one job, and it ends', async () => {
    const jobs = Array.from({ length: 10 }, () => world.copy(imageId, to('dcn0', 'dcn1')));
    expect(new Set(jobs.map((job) => job?.id)).size).toBe(1);
    await end('dcn0');
    await end('dcn1');
    expect(world.job(jobs[0]?.id ?? '').state).toBe('succeeded');
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=present');
  });

  test('a second job waits for the first, and finds its stores there', async () => {
    const first = world.copy(imageId, to('dcn0'));
    const second = world.copy(imageId, to('dcn0', 'dcn1'));
    expect([first, second].map((job) => world.job(job?.id ?? '').state)).toEqual(['running', 'queued']);
    await end('dcn0');
    expect(world.catalogue.tasks.ofJob(second?.id ?? '').map((task) => task.storeId)).toEqual(['dcn1']);
    await end('dcn1');
    expect(world.job(second?.id ?? '').state).toBe('succeeded');
  });

  test('one failing store leaves the others alone (R7)', async () => {
    const job = world.copy(imageId, to('dcn0', 'dcn1'));
    await end('dcn0', 'NO_SPACE');
    await end('dcn1');
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'partial', reason: { code: 'NO_SPACE' } });
    expect(world.copies(imageId)).toBe('central=present dcn0=failed dcn1=present');
    expect(world.copy(imageId, to('dcn0'))).toBeDefined();
    await end('dcn0');
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=present');
  });

  test('when all must succeed, what was made is taken back, and what was there stays', async () => {
    const job = world.copy(imageId, { ...to('dcn0', 'dcn1'), allMustSucceed: true });
    await end('dcn0');
    await end('dcn1', 'NO_SPACE');
    expect(world.copies(imageId)).toBe('central=present dcn0=deleting dcn1=failed');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('failed');
    expect(world.copies(imageId)).toBe('central=present dcn1=failed');
  });

  test('bad bytes are tried again up to the limit; a site that does not answer, for ever', async () => {
    const job = world.copy(imageId, to('dcn0'));
    for (let n = 0; n < 8; n++) {
      await end('dcn0', 'UNAVAILABLE');
      world.pass(10_000);
    }
    expect(world.job(job?.id ?? '').state).toBe('running');
    for (let n = 0; n < 3; n++) {
      expect(world.job(job?.id ?? '').state).toBe('running');
      await end('dcn0', 'CORRUPT');
      world.pass(10_000);
    }
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'CORRUPT' } });
  });

  test('the next attempt waits for its time', async () => {
    world.copy(imageId, to('dcn0'));
    await end('dcn0', 'UNAVAILABLE');
    const [task] = world.catalogue.tasks.unended();
    expect(task).toMatchObject({ state: 'queued', attempt: 1, notBeforeMs: world.nowMs + 1000 });
    expect(world.sites.site('dcn0').working.size).toBe(0);
  });

  test('a task whose site is away waits, and goes on by itself', async () => {
    world.detach('dcn0', true);
    const job = world.copy(imageId, to('dcn0'));
    await world.settle();
    expect(world.catalogue.tasks.unended()).toMatchObject([{ state: 'waiting', attempt: 0 }]);
    world.attach('dcn0');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('a task whose source is away waits for that', async () => {
    world.detach('central', true);
    world.copy(imageId, to('dcn0'));
    await world.settle();
    expect(world.catalogue.tasks.unended()).toMatchObject([{ state: 'waiting' }]);
    world.attach('central');
    await end('dcn0');
    expect(world.copies(imageId)).toBe('central=present dcn0=present');
  });

  test('an attempt that went on while the hub was away is taken over, not begun again', async () => {
    world.copy(imageId, to('dcn0'));
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.restartHub();
    await world.settle();
    expect(world.catalogue.tasks.unended()).toMatchObject([{ state: 'waiting', attempt: 1 }]);
    for (const id of STORE_IDS) world.attach(id);
    await world.settle();
    expect(world.catalogue.tasks.unended()).toMatchObject([{ state: 'running', attempt: 1 }]);
    await end('dcn0');
    expect(world.copies(imageId)).toBe('central=present dcn0=present');
  });

  test('a report of an attempt before the one at work changes nothing', async () => {
    world.copy(imageId, to('dcn0'));
    await end('dcn0', 'UNAVAILABLE');
    world.pass(10_000);
    await world.settle();
    world.sites.reportStale('dcn0', 0);
    expect(world.copies(imageId)).toBe('central=present dcn0=copying');
  });

  test('one attempt at a time at a store, as wide as configured', async () => {
    world.fill(world.imageIds[1] as string);
    world.copy(imageId, to('dcn0'));
    world.copy(world.imageIds[1] as string, to('dcn0'));
    await world.settle();
    expect(world.sites.site('dcn0').working.size).toBe(1);
    await end('dcn0');
    expect(world.sites.site('dcn0').working.size).toBe(1);
  });
});

describe('cancel', () => {
  beforeEach(() => world.fill(imageId));

  test('a queued job ends at once', () => {
    world.copy(imageId, to('dcn0'));
    const second = world.copy(imageId, to('dcn0', 'dcn1'));
    world.queue.cancel(second?.id ?? '', 'ada');
    expect(world.job(second?.id ?? '').state).toBe('cancelled');
  });

  test('a running one ends when its agent has put away what it made', async () => {
    const job = world.copy(imageId, to('dcn0'));
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.queue.cancel(job?.id ?? '', 'ada');
    expect(world.job(job?.id ?? '').state).toBe('running');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    expect(world.sites.inventory('dcn0')).toEqual([]);
    expect(world.copies(imageId)).toBe('central=present');
  });

  test('one whose site is away ends at once, and the agent is told when it is back', async () => {
    const job = world.copy(imageId, to('dcn0'));
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.detach('dcn0', false);
    world.queue.cancel(job?.id ?? '', 'ada');
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    world.attach('dcn0');
    await end('dcn0');
    expect(world.sites.inventory('dcn0')).toEqual([]);
  });

  test('what was finished before the agent heard of the cancel counts', async () => {
    world.copy(imageId, to('dcn0'));
    await world.settle();
    const [job] = world.unendedJobs;
    world.detach('dcn0', false);
    world.sites.end('dcn0', 0);
    world.queue.cancel(job?.id ?? '', 'ada');
    expect(world.copies(imageId)).toBe('central=present');
    world.attach('dcn0');
    expect(world.copies(imageId)).toBe('central=present dcn0=present');
    world.check();
  });

  test('what is left of a cancelled import is not lost sight of', async () => {
    const empty = world.imageIds[1] as string;
    const job = world.import(empty, 'dcn0', [], false);
    await world.settle();
    world.detach('dcn0', false);
    world.sites.end('dcn0', 0);
    world.queue.cancel(job?.id ?? '', 'ada');
    world.attach('dcn0');
    expect(world.copies(empty)).toBe('dcn0=failed');
    world.deleteImage(empty);
    await end('dcn0');
    expect(world.sites.inventory('dcn0')).toEqual([]);
  });

  test('a failure that crosses the cancel leaves nothing behind either', async () => {
    const job = world.copy(imageId, to('dcn0'));
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.queue.cancel(job?.id ?? '', 'ada');
    world.sites.end('dcn0', 0, failed('CORRUPT', 'bad bytes'));
    await world.settle();
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    expect(world.sites.inventory('dcn0')).toEqual([]);
  });

  test('a delete that an agent was told of is not turned back', async () => {
    world.fill(world.imageIds[1] as string, 'dcn0');
    const job = world.deleteCopy(world.imageIds[1] as string, 'dcn0');
    await world.settle();
    expect(() => world.queue.cancel(job?.id ?? '', 'ada')).toThrow(/being deleted/);
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('what an attempt left to go on with is put away when there will be none', async () => {
    const job = world.copy(imageId, to('dcn0'));
    await end('dcn0', 'UNAVAILABLE');
    expect(world.sites.inventory('dcn0')).toMatchObject([{ form: 'partial' }]);
    world.queue.cancel(job?.id ?? '', 'ada');
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    expect(world.sites.inventory('dcn0')).toEqual([]);
  });

  test('an ended job is not cancelled', async () => {
    const job = world.copy(imageId, to('dcn0'));
    await end('dcn0');
    expect(() => world.queue.cancel(job?.id ?? '', 'ada')).toThrow(/already ended/);
  });
});

describe('import', () => {
  test('at central: active when it is in', async () => {
    const job = world.import(imageId, 'central', [], false);
    expect(world.catalogue.images.get(imageId).status).toBe('uploading');
    await end('central');
    expect(world.catalogue.images.get(imageId)).toMatchObject({ status: 'active' });
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('at an edge: it counts nowhere until central has it (R3)', async () => {
    const job = world.import(imageId, 'dcn0', ['dcn1'], false);
    await end('dcn0');
    expect(world.catalogue.images.get(imageId).status).toBe('importing');
    expect(world.copies(imageId)).toBe('central=copying dcn0=copying');
    await end('central');
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=copying');
    expect(world.catalogue.images.get(imageId).status).toBe('active');
    await end('dcn1');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('a full central pool does not throw an edge-born image away', async () => {
    world.import(imageId, 'dcn0', [], false);
    await end('dcn0');
    for (let n = 0; n < 5; n++) {
      await end('central', 'NO_SPACE');
      world.pass(10_000);
    }
    await end('central');
    expect(world.copies(imageId)).toBe('central=present dcn0=present');
  });

  test('a failed upload leaves the record as it was, to be filled again', async () => {
    const job = world.import(imageId, 'central', [], false);
    await end('central', 'INTERNAL');
    expect(world.job(job?.id ?? '').state).toBe('failed');
    expect(world.catalogue.images.get(imageId)).toMatchObject({ status: 'queued', data: undefined });
    expect(world.copies(imageId)).toBe('');
    expect(world.import(imageId, 'central', [], false)).toBeDefined();
  });

  test('all must succeed: taken back everywhere, edges before central (R12)', async () => {
    const job = world.import(imageId, 'central', ['dcn0', 'dcn1'], true);
    await end('central');
    expect(world.catalogue.images.get(imageId).status).toBe('importing');
    await end('dcn0');
    await end('dcn1', 'NO_SPACE');
    await world.settle();
    expect(world.copies(imageId)).toBe('central=present dcn0=deleting dcn1=failed');
    await end('dcn0');
    expect(world.copies(imageId)).toBe('central=deleting dcn1=failed');
    await end('central');
    expect(world.catalogue.images.get(imageId)).toMatchObject({ status: 'queued', data: undefined });
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'NO_SPACE' } });
  });

  test('allow failure: active at once, the failed store is listed (R12, R13)', async () => {
    const job = world.import(imageId, 'central', ['dcn0', 'dcn1'], false);
    await end('central');
    expect(world.catalogue.images.get(imageId).status).toBe('active');
    await end('dcn0', 'NO_SPACE');
    await end('dcn1');
    expect(world.job(job?.id ?? '').state).toBe('partial');
    expect(world.copies(imageId)).toBe('central=present dcn0=failed dcn1=present');
  });

  test('cancelled on the way to central: nothing is left', async () => {
    const job = world.import(imageId, 'dcn0', [], false);
    await end('dcn0');
    world.queue.cancel(job?.id ?? '', 'ada');
    await end('central');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('cancelled');
    expect(world.copies(imageId)).toBe('');
    expect(world.catalogue.images.get(imageId)).toMatchObject({ status: 'queued', data: undefined });
  });
});

describe('delete', () => {
  beforeEach(() => world.fill(imageId, 'dcn0', 'dcn1'));
  const gone = () => world.catalogue.images.get(imageId).status;

  test('edges, then central; a site that is away keeps neither central nor the readers', async () => {
    world.detach('dcn0', false);
    const job = world.deleteImage(imageId);
    await world.settle();
    expect(gone()).toBe('pending_delete');
    expect(world.sites.site('central').working.size).toBe(0);
    await end('dcn1');
    await end('central');
    expect(world.copies(imageId)).toBe('dcn0=deleting');
    expect(world.job(job?.id ?? '').state).toBe('running');
    world.attach('dcn0');
    await end('dcn0');
    expect(gone()).toBe('deleted');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('clones anywhere stop it before anything is deleted', async () => {
    world.sites.site('dcn1').clones.set(imageId, ['vms/a']);
    const job = world.deleteImage(imageId);
    await world.settle();
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'IN_USE' } });
    expect(gone()).toBe('active');
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=present');
  });

  test('it cannot be cancelled once the image is gone', async () => {
    const job = world.deleteImage(imageId);
    await world.settle();
    expect(() => world.queue.cancel(job?.id ?? '', 'ada')).toThrow(/gone for its readers/);
  });

  test('waits for the copy before it', async () => {
    const two = world.imageIds[1] as string;
    world.fill(two);
    world.copy(two, to('dcn0'));
    const job = world.deleteImage(two);
    expect(world.job(job?.id ?? '').state).toBe('queued');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('running');
  });

  test('a copy whose delete failed half-way is not listed again', async () => {
    const job = world.deleteCopy(imageId, 'dcn0');
    for (let n = 0; n < 3; n++) {
      await end('dcn0', 'INTERNAL');
      world.pass(10_000);
    }
    expect(world.job(job?.id ?? '').state).toBe('failed');
    expect(world.copies(imageId)).toBe('central=present dcn0=failed dcn1=present');
  });

  test('a copy with clones stays, and says which', async () => {
    world.sites.site('dcn0').clones.set(imageId, ['vms/a']);
    const job = world.deleteCopy(imageId, 'dcn0');
    await end('dcn0');
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'IN_USE' } });
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=present');
  });
});
