import { afterEach, beforeEach, expect, test } from 'vitest';
import { UNENDED_AT_STORE } from '../../../src/catalogue/tasks.ts';
import { DRAFT, Scratch, uuid } from './scratch.ts';

const IMAGE = uuid(1);

let scratch: Scratch;

beforeEach(() => {
  scratch = new Scratch();
  scratch.withStores();
  const { images, jobs, tasks } = scratch.catalogue;
  images.insert(IMAGE, DRAFT, 'r');
  const spec = { kind: 'copy', storeIds: ['central', 'dcn0'], allMustSucceed: false } as const;
  jobs.insert({ id: 'j', imageId: IMAGE, spec, requestedBy: 'ada', requestId: 'r' });
  for (const [id, storeId] of [
    ['z', 'dcn0'],
    ['y', 'central'],
    ['x', 'dcn0'],
    ['w', 'dcn0'],
  ] as const) {
    tasks.insert({ id, jobId: 'j', imageId: IMAGE, storeId, kind: 'copy', sourceStoreId: undefined });
  }
  tasks.set('x', 'failed');
});

afterEach(() => scratch[Symbol.dispose]());

test('unended tasks are those of all stores or of one, oldest first', () => {
  const { tasks } = scratch.catalogue;
  expect(tasks.unended().map(({ id }) => id)).toEqual(['z', 'y', 'w']);
  expect(tasks.unended('dcn0').map(({ id }) => id)).toEqual(['z', 'w']);
  expect(tasks.unended('dcn1')).toEqual([]);
});

test('those of one store are found without a look at all others', () => {
  const plan = scratch.inspect((sqlite) =>
    sqlite.prepare(`EXPLAIN QUERY PLAN ${UNENDED_AT_STORE}`).all('dcn0'),
  );
  const steps = plan.map((row) => (row as { detail: string }).detail).join('; ');
  expect(steps).toContain('USING INDEX tasks_unended (store_id=?)');
});
