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

describe('a revoked store', () => {
  beforeEach(() => world.fill(imageId));

  test('keeps its tasks, and goes on with them when its agent has joined anew', async () => {
    const job = world.copy(imageId, to('dcn0', 'dcn1'));
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.revoke('dcn0');
    await end('dcn1');
    world.pass(1_000_000);
    world.attach('dcn0');
    await world.settle();
    const [task] = world.catalogue.tasks.unended('dcn0');
    expect(task).toMatchObject({ state: 'waiting', attempt: 1, failures: 0 });
    expect(world.job(job?.id ?? '').state).toBe('running');
    world.admit('dcn0');
    world.attach('dcn0');
    await end('dcn0');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
    expect(world.copies(imageId)).toBe('central=present dcn0=present dcn1=present');
  });

  test('gets no new copies, all-stores leaves it out, and its copies may be deleted', async () => {
    world.copy(imageId, to('dcn0'));
    await end('dcn0');
    world.revoke('dcn0');
    world.revoke('dcn1');
    expect(() => world.copy(imageId, to('dcn1'))).toThrow('the agent of dcn1 is cut off');
    expect(world.copy(imageId, { ...to(), allStores: true })).toBeUndefined();
    const job = world.deleteCopy(imageId, 'dcn0');
    expect(world.job(job?.id ?? '').state).toBe('running');
    expect(world.copies(imageId)).toBe('central=present dcn0=deleting');
  });
});

describe('a removed store', () => {
  beforeEach(() => world.fill(imageId, 'dcn0'));
  const storesLeft = () => world.catalogue.stores.all().map((store) => store.id);

  test('is refused while it holds copies, unless they are orphaned', () => {
    expect(() => world.removeStore('dcn0', false)).toThrow('1 copy');
    world.removeStore('dcn0', true);
    expect(storesLeft()).toEqual(['central', 'dcn1']);
    expect(world.copies(imageId)).toBe('central=present');
  });

  test('is refused while a job copies to it; nothing has changed by that', async () => {
    const job = world.copy(imageId, to('dcn1'));
    expect(() => world.removeStore('dcn1', true)).toThrow(`1 job about to use it: ${job?.id}`);
    await end('dcn1');
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
  });

  test('that burned down does not keep the delete of an image from its end', async () => {
    world.detach('dcn0', true);
    const job = world.deleteImage(imageId);
    await end('central');
    expect(world.job(job?.id ?? '').state).toBe('running');
    expect(() => world.removeStore('dcn0', false)).toThrow(`1 job still deleting there: ${job?.id}`);
    world.removeStore('dcn0', true);
    expect(world.job(job?.id ?? '').state).toBe('succeeded');
    expect(world.catalogue.images.get(imageId).status).toBe('deleted');
    expect(world.catalogue.tasks.unended()).toEqual([]);
  });

  test('fails the delete of its copy that was begun, and says why', async () => {
    const job = world.deleteCopy(imageId, 'dcn0');
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.removeStore('dcn0', true);
    expect(world.job(job?.id ?? '')).toMatchObject({
      state: 'failed',
      reason: { code: 'CONFLICT', message: 'store dcn0 was removed from the cloud' },
    });
  });

  test('ends a job that was taking its copy back', async () => {
    const two = world.imageIds[1] as string;
    const job = world.import(two, 'central', ['dcn0', 'dcn1'], true);
    await end('central');
    await end('dcn0');
    world.detach('dcn0', true);
    await end('dcn1', 'NO_SPACE');
    await world.settle();
    expect(world.copies(two)).toBe('central=present dcn0=deleting dcn1=failed');
    world.removeStore('dcn0', true);
    await end('central');
    expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'NO_SPACE' } });
    expect(world.catalogue.images.get(two)).toMatchObject({ status: 'queued', data: undefined });
  });

  test('gives its slot to others: tasks of a store added by that name run', async () => {
    const job = world.deleteCopy(imageId, 'dcn0');
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.readd('dcn0', true);
    expect(world.job(job?.id ?? '').state).toBe('failed');
    world.attach('dcn0');
    const again = world.copy(imageId, to('dcn0'));
    await end('dcn0');
    expect(world.job(again?.id ?? '').state).toBe('succeeded');
    expect(world.copies(imageId)).toBe('central=present dcn0=present');
  });
});

test('a store that goes away while its copy is being stopped for the failure of another does not hold up the job', async () => {
  world.fill(imageId);
  const job = world.copy(imageId, { ...to('dcn0', 'dcn1'), allMustSucceed: true });
  await world.settle();
  world.sites.begin('dcn0', 0);
  world.sites.end('dcn1', 0, failed('NO_SPACE', 'full'));
  await world.settle();
  expect(world.job(job?.id ?? '').state).toBe('running');
  world.detach('dcn0', true);
  await world.settle();
  world.check();
  expect(world.job(job?.id ?? '')).toMatchObject({ state: 'failed', reason: { code: 'NO_SPACE' } });
  expect(world.copies(imageId)).toBe('central=present dcn1=failed');
});
