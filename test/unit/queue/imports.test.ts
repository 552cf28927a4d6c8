import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportSource, Job, JobSpec } from '../../../src/domain/job.ts';
import { dataOf, failed, TRAFFIC } from './fake-sites.ts';
import { STORE_IDS, UPLOAD_KEEP_MS, World } from './world.ts';

const SIZE_BYTES = 4096;

let world: World;
let imageId: string;
/** What agents were told to put away. */
let discarded: string[];

beforeEach(() => {
  world = new World(1);
  [imageId] = world.imageIds as [string];
  discarded = [];
  const discard = world.sites.discard.bind(world.sites);
  world.sites.discard = (storeId, imageIds) => {
    discarded.push(storeId);
    discard(storeId, imageIds);
  };
  for (const id of STORE_IDS) world.attach(id);
  discarded = [];
});

afterEach(() => {
  world[Symbol.dispose]();
});

function submit(spec: JobSpec): Job {
  const { catalogue, queue } = world;
  const job = catalogue.transact(() => {
    // The real hub has the manifest from the agent before the agent's report.
    catalogue.manifests.put(dataOf(imageId).root, Buffer.from('manifest'));
    return queue.submit(imageId, spec, { requestedBy: 'ada', requestId: 'r' });
  });
  queue.submitted(job);
  return job;
}

const stage = () => submit({ kind: 'stage', storeId: 'central', sizeBytes: SIZE_BYTES });

const importFrom = (source: ImportSource, storeIds: string[] = [], allMustSucceed = false) =>
  submit({
    kind: 'import',
    source,
    entryStoreId: 'central',
    sizeBytes: SIZE_BYTES,
    storeIds,
    allMustSucceed,
    before: { diskFormat: 'raw', containerFormat: 'bare' },
  });

/** One attempt, from its beginning to its end. */
async function end(storeId: string, failure?: Parameters<typeof failed>[0]): Promise<void> {
  await world.settle();
  world.sites.begin(storeId, 0);
  world.sites.end(storeId, 0, failure && failed(failure, failure));
  await world.settle();
  world.check();
}

const image = () => world.catalogue.images.get(imageId);
const state = (job: Job) => world.job(job.id).state;

describe('a file that is staged', () => {
  test('makes the image `uploading`, with no copy of it anywhere, until it is imported', async () => {
    const staging = stage();
    expect(image().status).toBe('uploading');
    await end('central');
    expect(state(staging)).toBe('succeeded');
    expect(image()).toMatchObject({
      status: 'uploading',
      staged: { storeId: 'central', sizeBytes: SIZE_BYTES },
    });
    expect(world.copies(imageId)).toBe('');
    expect(discarded).toEqual([]);

    const job = importFrom({ method: 'glance-direct' });
    expect(image().status).toBe('importing');
    await end('central');
    expect(state(job)).toBe('succeeded');
    expect(image()).toMatchObject({ status: 'active' });
    expect(image().staged).toBeUndefined();
    expect(world.copies(imageId)).toBe('central=present');
  });

  test.each(['INVALID', 'UNAVAILABLE', 'INTERNAL'] as const)(
    'is put away when its upload fails by %s: the record is as it was',
    async (code) => {
      const staging = stage();
      await end('central', code);
      if (code === 'UNAVAILABLE') {
        // It is kept for whoever comes back, until it has been long enough.
        expect(state(staging)).toBe('running');
        expect(discarded).toEqual([]);
        world.nowMs += UPLOAD_KEEP_MS;
        world.queue.repaced();
        await world.settle();
        await end('central', code);
      }
      expect(world.job(staging.id)).toMatchObject({ state: 'failed', reason: { code } });
      expect(image().status).toBe('queued');
      expect(discarded).toContain('central');
    },
  );

  test('is kept again when its operator comes back at the last moment, and goes away once more', async () => {
    const staging = stage();
    await end('central', 'UNAVAILABLE');
    world.nowMs += UPLOAD_KEEP_MS;
    world.queue.repaced();
    await world.settle();
    // Handed out for the last time, and then somebody comes.
    world.queue.uploaderCame(staging.id);
    await end('central', 'UNAVAILABLE');
    expect(state(staging)).toBe('running');
    expect(discarded).toEqual([]);
    world.nowMs += UPLOAD_KEEP_MS;
    world.queue.repaced();
    await end('central', 'UNAVAILABLE');
    expect(state(staging)).toBe('failed');
  });

  test('is not kept when the image is to be deleted next', async () => {
    const staging = stage();
    const deleting = submit({ kind: 'delete' });
    await end('central', 'UNAVAILABLE');
    expect(world.job(staging.id).reason?.message).toContain('is to be deleted');
    expect(discarded).toContain('central');
    expect(state(deleting)).toBe('succeeded');
  });

  test('goes on to its stores as ever when the image is to be deleted next: that may be cancelled', async () => {
    const job = importFrom({ method: 'upload' }, ['dcn0']);
    await end('central');
    const deleting = submit({ kind: 'delete' });
    await end('dcn0', 'UNAVAILABLE');
    expect(state(job)).toBe('running');
    expect(world.copies(imageId)).toBe('central=present dcn0=copying');
    world.queue.cancel(deleting.id, 'ada');
    world.nowMs += 60_000;
    world.queue.repaced();
    await end('dcn0');
    expect(state(job)).toBe('succeeded');
  });

  test('that is cancelled is put away too', async () => {
    const staging = stage();
    await world.settle();
    world.sites.begin('central', 0);
    world.queue.cancel(staging.id, 'ada');
    await end('central');
    expect(state(staging)).toBe('cancelled');
    expect(image()).toMatchObject({ status: 'queued' });
    expect(image().staged).toBeUndefined();
    expect(discarded).toContain('central');
  });

  test('is put away with an import of it that is refused, and may be staged again', async () => {
    stage();
    await end('central');
    const job = importFrom({ method: 'glance-direct' });
    await end('central', 'INVALID');
    expect(state(job)).toBe('failed');
    expect(image().status).toBe('queued');
    expect(image().staged).toBeUndefined();
    expect(discarded).toContain('central');
    const again = stage();
    await end('central');
    expect(state(again)).toBe('succeeded');
  });
});

describe('an import that is taken back', () => {
  test('leaves the record as it was before, not as the file was found to be', async () => {
    world.catalogue.transact(() =>
      world.catalogue.images.change(imageId, { ...image(), properties: { given: 'a', gone: 'z' } }),
    );
    const job = importFrom({ method: 'web-download', uri: 'http://x/y' }, ['dcn0'], true);
    // After it was asked for, and before it is known what it is.
    world.catalogue.transact(() =>
      world.catalogue.images.change(imageId, { ...image(), properties: { given: 'a' } }),
    );
    await world.settle();
    const [task] = world.catalogue.tasks.ofJob(job.id);
    if (task === undefined) throw new Error('no task');
    world.sites.begin('central', 0);
    world.sites.site('central').working.clear();
    world.sites.site('central').disk.set(imageId, 'whole');
    world.queue.ended(
      'central',
      { taskId: task.id, attempt: 1 },
      {
        kind: 'ingested',
        data: dataOf(imageId),
        format: { diskFormat: 'iso', containerFormat: 'bare', properties: { compat: '1.1' } },
        traffic: TRAFFIC,
      },
    );
    expect(image()).toMatchObject({ diskFormat: 'iso', properties: { given: 'a', compat: '1.1' } });
    // What the owner changes meanwhile stays as the owner changed it.
    const properties = { given: 'b', compat: '1.1', more: 'c' };
    world.catalogue.transact(() => world.catalogue.images.change(imageId, { ...image(), properties }));
    await end('dcn0', 'NO_SPACE');
    await end('central');
    expect(world.job(job.id)).toMatchObject({ state: 'failed', reason: { code: 'NO_SPACE' } });
    expect(image()).toMatchObject({ status: 'queued', diskFormat: 'raw' });
    expect(image().properties).toEqual({ given: 'b', more: 'c' });
  });

  test('tells which store failed until the next one, which begins with none that did', async () => {
    importFrom({ method: 'web-download', uri: 'http://x/y' }, ['dcn0'], true);
    await end('central');
    await end('dcn0', 'NO_SPACE');
    await end('central');
    expect(world.copies(imageId)).toBe('dcn0=failed');
    discarded = [];
    importFrom({ method: 'web-download', uri: 'http://x/y' });
    expect(world.copies(imageId)).toBe('central=copying');
    expect(discarded).toEqual(['dcn0']);
  });
});

describe('an image that is adopted', () => {
  const adopt = () => importFrom({ method: 'adopt', pool: 'p', image: 'i', move: true }, ['dcn0'], true);

  test('stays where it lies when its import is taken back: it was there before', async () => {
    const job = adopt();
    await end('central');
    await end('dcn0', 'NO_SPACE');
    expect(state(job)).toBe('failed');
    expect(world.sites.site('central').disk.get(imageId)).toBe('whole');
    expect(world.catalogue.tasks.ofJob(job.id).filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(world.copies(imageId)).toBe('dcn0=failed');
    expect(image().status).toBe('queued');
  });

  test('also when it was cancelled while the copy to an edge was under way', async () => {
    const job = adopt();
    await end('central');
    await world.settle();
    world.sites.begin('dcn0', 0);
    world.queue.cancel(job.id, 'ada');
    await end('dcn0');
    expect(state(job)).toBe('cancelled');
    expect(world.sites.site('central').disk.get(imageId)).toBe('whole');
    expect(world.copies(imageId)).toBe('');
  });
});
