import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_TRAFFIC } from '../../../src/domain/job.ts';
import { Requests } from '../../../src/hub/requests.ts';
import { World } from '../queue/world.ts';

let world: World;
let imageId: string;
let jobId: string;
let requests: Requests;

beforeEach(async () => {
  world = new World();
  imageId = world.imageIds[0] as string;
  const { catalogue, queue, sites: agents } = world;
  requests = new Requests({ catalogue, queue, agents, newId: randomUUID, onRaised: () => {} });
  world.attach('central');
  jobId = world.import(imageId, 'central', [], false)?.id ?? '';
  await world.settle();
  world.sites.begin('central', 0);
  const reason = { code: 'UNAVAILABLE', message: 'broke off' } as const;
  world.sites.end('central', 0, { kind: 'failed', reason, traffic: NO_TRAFFIC });
  await world.settle();
  expect(world.job(jobId).state).toBe('running');
});
afterEach(() => world[Symbol.dispose]());

const remove = () => requests.deleteImage(imageId, { actor: { name: 'ada', role: 'admin' }, requestId: 'r' });

test('what is kept of an upload is given up for a delete', async () => {
  const { id } = await remove();
  await world.settle();
  expect(world.job(jobId).state).toBe('cancelled');
  expect(world.job(id).state).toBe('succeeded');
});

test('a hub that dies in between has done neither: the delete would wait behind the upload', async () => {
  world.queue.cancel = () => {
    throw new Error('the power is off');
  };
  await expect(remove()).rejects.toThrow('the power is off');
  expect(world.catalogue.jobs.unendedOfImage(imageId).map(({ id }) => id)).toEqual([jobId]);
  expect(world.catalogue.images.get(imageId).status).toBe('uploading');
});
