import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { UNENDED_OF_IMAGE } from '../../../src/catalogue/jobs.ts';
import { DRAFT, Scratch, uuid } from './scratch.ts';

const IMAGE = uuid(1);

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.withStores();
  scratch.catalogue.images.insert(IMAGE, DRAFT, 'r');
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch[Symbol.dispose]();
});

const add = (id: string, storeId = 'dcn0') =>
  scratch.catalogue.jobs.insert({
    id,
    imageId: IMAGE,
    spec: { kind: 'copy', storeIds: [storeId], allMustSucceed: false },
    requestedBy: 'ada',
    requestId: 'r',
  });

test('a job keeps its spec, whichever way it is read, and after a restart', () => {
  const job = add('a');
  expect(job.spec).toEqual({ kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false });
  scratch.reopen();
  const { jobs } = scratch.catalogue;
  expect(jobs.get('a')).toEqual(job);
  expect(jobs.unended()).toEqual([job]);
  expect(jobs.unendedOfImage(IMAGE)).toEqual([job]);
  expect(jobs.page({ all: true, limit: 9 })).toEqual([job]);
});

test('a spec is parsed once, and however many jobs are read, each has its own', () => {
  const { catalogue } = scratch;
  const parse = vi.spyOn(JSON, 'parse');
  catalogue.transact(() => {
    for (let n = 0; n < 300; n++) add(`j${n}`, `dcn${n}`);
  });
  parse.mockClear();
  catalogue.jobs.get('j299');
  expect(parse).not.toHaveBeenCalled();
  // One of so many that it was forgotten meanwhile.
  catalogue.jobs.get('j0');
  expect(parse).toHaveBeenCalledTimes(1);
  for (let n = 0; n < 300; n++) {
    expect(catalogue.jobs.get(`j${n}`).spec).toMatchObject({ storeIds: [`dcn${n}`] });
  }
});

test('images that are to be deleted are those of unended delete jobs', () => {
  const { jobs, images } = scratch.catalogue;
  const who = { requestedBy: 'ada', requestId: 'r' };
  add('a');
  for (const [id, n] of [
    ['b', 2],
    ['c', 3],
  ] as const) {
    images.insert(uuid(n), DRAFT, 'r');
    jobs.insert({ id, imageId: uuid(n), spec: { kind: 'delete' }, ...who });
  }
  expect(jobs.imagesToDelete()).toEqual([uuid(2), uuid(3)]);
  jobs.setState('b', 'cancelled');
  expect(jobs.imagesToDelete()).toEqual([uuid(3)]);
});

test('unended jobs of an image are found without a look at those that ended', () => {
  const plan = scratch.inspect((sqlite) =>
    sqlite.prepare(`EXPLAIN QUERY PLAN ${UNENDED_OF_IMAGE}`).all(IMAGE),
  );
  const steps = plan.map((row) => (row as { detail: string }).detail).join('; ');
  expect(steps).toContain('USING INDEX jobs_unended_of_image (image_id=?)');
});

test('where a job downloads from is gone from the disk when it has ended', () => {
  const { catalogue, path } = scratch;
  const spec = {
    kind: 'import',
    source: { method: 'web-download', uri: 'https://example.org/a.raw' },
    entryStoreId: 'central',
    sizeBytes: 0,
    storeIds: [],
    allMustSucceed: false,
  } as const;
  const jobs = Array.from({ length: 24 }, (_, n) => ({ id: `w${n}`, secret: `secret-of-${n}-` }));
  for (const [n, { id, secret }] of jobs.entries()) {
    // Some of them of more than a page of the file.
    const sourceUri = `https://alice:${secret}@example.org/${'x'.repeat(n % 3 === 0 ? 5000 : 50)}`;
    const who = { requestedBy: 'ada', requestId: 'r' };
    catalogue.transact(() => catalogue.jobs.insert({ id, imageId: IMAGE, spec, sourceUri, ...who }));
  }
  const end = (id: string, state: 'succeeded' | 'failed') => {
    catalogue.transact(() => catalogue.jobs.setState(id, 'running'));
    catalogue.transact(() => catalogue.jobs.setState(id, state));
  };
  const onDisk = () => {
    const text = [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join();
    return jobs.filter(({ secret }) => text.includes(secret)).map(({ id }) => id);
  };
  expect(onDisk()).toHaveLength(24);
  const ended = jobs.filter((_, n) => n % 2 === 0);
  for (const { id } of ended) end(id, 'succeeded');
  expect(onDisk()).toEqual(jobs.filter((job) => !ended.includes(job)).map(({ id }) => id));
  expect(catalogue.jobs.sourceUri('w1')).toContain('secret-of-1-');
  for (const { id } of jobs.filter((job) => !ended.includes(job))) end(id, 'failed');
  expect(onDisk()).toEqual([]);
});
