import { afterEach, beforeEach, expect, test } from 'vitest';
import { FEW_OF_MANY, UNENDED_AT_STORE } from '../../../src/catalogue/tasks.ts';
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

test('a job has unended tasks until the last of them ends', () => {
  const { tasks } = scratch.catalogue;
  for (const id of ['z', 'y']) tasks.set(id, 'failed');
  expect(tasks.hasUnended('j')).toBe(true);
  tasks.set('w', 'done');
  expect(tasks.hasUnended('j')).toBe(false);
});

test('at work are those whose attempt may be, also when their site is away', () => {
  const { tasks } = scratch.catalogue;
  tasks.set('z', 'assigned', { attempt: 1 });
  tasks.set('z', 'waiting');
  tasks.set('y', 'waiting');
  tasks.set('w', 'assigned', { attempt: 1 });
  expect(tasks.atWork().map(({ id }) => id)).toEqual(['z', 'w']);
});

test('those that wait for a source are read a page after another', () => {
  const { tasks } = scratch.catalogue;
  const task = { jobId: 'j', imageId: IMAGE, storeId: 'dcn0', kind: 'copy' } as const;
  for (const id of ['c', 'a', 'b', 'd']) tasks.insert({ ...task, id, sourceStoreId: 'central' });
  tasks.insert({ ...task, id: 'e', storeId: 'central', sourceStoreId: 'dcn0' });
  for (const id of ['a', 'b', 'c', 'e']) tasks.set(id, 'waiting');
  const page = (after: string) => tasks.waitingFor('central', after, 2).map(({ id }) => id);
  expect(page('')).toEqual(['a', 'b']);
  expect(page('b')).toEqual(['c']);
  expect(page('c')).toEqual([]);
});

test.each([
  ['hasUnended', 'USING COVERING INDEX tasks_unended_of_job (job_id=?)', ['j']],
  ['atWork', 'USING INDEX tasks_at_work', []],
  ['waitingFor', 'USING INDEX tasks_waiting (source_store_id=? AND id>?)', ['central', '', 1]],
] as const)('%s is answered without a look at all tasks', (name, index, parameters) => {
  const plan = scratch.inspect((sqlite) =>
    sqlite.prepare(`EXPLAIN QUERY PLAN ${FEW_OF_MANY[name]}`).all(...parameters),
  );
  const steps = plan.map((row) => (row as { detail: string }).detail).join('; ');
  expect(steps).toContain(index);
});
