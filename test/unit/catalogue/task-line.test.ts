import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LINE_QUERIES } from '../../../src/catalogue/task-line.ts';
import type { Lane } from '../../../src/domain/lane.ts';
import { DRAFT, Scratch, uuid } from './scratch.ts';

let scratch: Scratch;
let tasks = 0;

beforeEach(() => {
  scratch = new Scratch();
  scratch.withStores();
  tasks = 0;
});
afterEach(() => scratch[Symbol.dispose]());

/** A running job of an image of its own, named after it. */
function running(id: string, lane: Lane = 'normal'): void {
  const { images, jobs } = scratch.catalogue;
  const imageId = uuid(images.page({ limit: 100 }).length + 1);
  images.insert(imageId, DRAFT, 'r');
  const spec = { kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false } as const;
  jobs.insert({ id, imageId, spec, requestedBy: 'ada', requestId: 'r', lane });
  jobs.setState(id, 'running');
}

function task(
  jobId: string,
  change: { storeId?: string; kind?: 'copy' | 'delete'; notBeforeMs?: number } = {},
) {
  const { catalogue } = scratch;
  const id = `t${++tasks}`;
  const { storeId = 'dcn0', kind = 'copy', notBeforeMs = 0 } = change;
  const { imageId } = catalogue.jobs.get(jobId);
  const sourceStoreId = kind === 'copy' ? 'central' : undefined;
  catalogue.tasks.insert({ id, jobId, imageId, storeId, kind, sourceStoreId });
  catalogue.tasks.set(id, 'queued', { notBeforeMs });
  return id;
}

const due = (lane: Lane, nowMs = 100) => [...scratch.catalogue.line.due(lane, nowMs)].map(({ id }) => id);
const begin = (id: string) => scratch.catalogue.tasks.set(id, 'assigned', { attempt: 1 });

describe('the tasks that are due', () => {
  test('are those of a lane, in order of arrival of their jobs', () => {
    running('first');
    running('second', 'demand');
    running('third');
    task('third');
    task('first', { storeId: 'central', kind: 'delete' });
    task('second');
    task('first');
    expect(due('normal')).toEqual(['t2', 't4', 't1']);
    expect(due('demand')).toEqual(['t3']);
    expect(due('background')).toEqual([]);
    const [one] = scratch.catalogue.line.due('demand', 0);
    expect(one).toEqual({ id: 't3', kind: 'copy', storeId: 'dcn0', sourceStoreId: 'central' });
  });

  test('are queued, and their time has come', () => {
    running('j');
    task('j', { notBeforeMs: 101 });
    begin(task('j'));
    task('j', { notBeforeMs: 100 });
    expect(due('normal')).toEqual(['t3']);
    expect(scratch.catalogue.line.nextDueMs(100)).toBe(101);
    expect(scratch.catalogue.line.nextDueMs(101)).toBeUndefined();
  });

  test('are not those of paused jobs, unless they are being cancelled', () => {
    const { jobs } = scratch.catalogue;
    running('j');
    task('j');
    jobs.pause('j');
    expect(due('normal')).toEqual([]);
    jobs.requestCancel('j', 'ada');
    expect(due('normal')).toEqual(['t1']);
  });
});

test('at work are the assigned and the running ones, with what makes room for others', () => {
  running('j', 'background');
  begin(task('j'));
  begin(task('j', { storeId: 'central', kind: 'delete' }));
  scratch.catalogue.tasks.set('t2', 'running');
  begin(task('j'));
  scratch.catalogue.tasks.set('t3', 'waiting');
  task('j');
  scratch.catalogue.jobs.pause('j');
  const atWork = scratch.catalogue.line.atWork();
  expect(atWork).toEqual([
    { id: 't1', kind: 'copy', storeId: 'dcn0', sourceStoreId: 'central', lane: 'background', paused: true },
    {
      id: 't2',
      kind: 'delete',
      storeId: 'central',
      sourceStoreId: undefined,
      lane: 'background',
      paused: true,
    },
  ]);
  scratch.catalogue.jobs.requestCancel('j', 'ada');
  expect(scratch.catalogue.line.atWork()[0]?.paused).toBe(false);
});

describe('paces', () => {
  const paces = () => scratch.catalogue.line.paces();

  test.each<[string, () => void, unknown]>([
    [
      'a rate',
      () => scratch.catalogue.jobs.setRate('j', '5M'),
      { rate: '5M', pausedAtMs: undefined, lane: 'normal' },
    ],
    [
      'a pause',
      () => scratch.catalogue.jobs.pause('j'),
      { rate: undefined, pausedAtMs: 1000, lane: 'normal' },
    ],
    [
      'a lane',
      () => void scratch.catalogue.jobs.raise(scratch.catalogue.jobs.get('j').imageId, 'demand'),
      { rate: undefined, pausedAtMs: undefined, lane: 'demand' },
    ],
  ])('are those of jobs with %s', (_what, change, wanted) => {
    running('j');
    begin(task('j'));
    expect(paces()).toEqual([]);
    change();
    expect(paces()).toEqual([
      { jobId: 'j', storeId: 'dcn0', sourceStoreId: 'central', ...(wanted as object) },
    ]);
  });

  test('are those of jobs whose attempts may be at work, once for each way', () => {
    running('j', 'demand');
    task('j');
    task('j', { storeId: 'central', kind: 'delete' });
    begin('t2');
    expect(paces()).toEqual([]);
    begin('t1');
    begin(task('j'));
    expect(paces()).toHaveLength(1);
    scratch.catalogue.tasks.set('t1', 'failed');
    // Its agent is away from the hub, not from its source.
    scratch.catalogue.tasks.set('t3', 'waiting');
    expect(paces()).toHaveLength(1);
    scratch.catalogue.tasks.set('t3', 'failed');
    expect(paces()).toEqual([]);
  });
});

test.each([
  [
    'due',
    'jobs USING INDEX jobs_running (lane=?)',
    'tasks USING INDEX tasks_unended_of_job (job_id=? AND state=?)',
  ],
  ['nextDue', 'tasks USING COVERING INDEX tasks_delayed (not_before_ms>?)', ''],
  ['atWork', 'tasks USING INDEX tasks_at_work', 'jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)'],
  ['paces', 'tasks USING INDEX tasks_at_work', 'jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)'],
] as const)('what is %s is found without a look at all tasks', (name, first, second) => {
  const rows = scratch.inspect((sqlite) =>
    sqlite
      .prepare(`EXPLAIN QUERY PLAN ${LINE_QUERIES[name]}`)
      .all(...(name === 'due' ? [{ lane: 'normal', nowMs: 0 }] : name === 'nextDue' ? [0] : [])),
  );
  const steps = rows.map((row) => (row as { detail: string }).detail).join('; ');
  expect(steps).toContain(first);
  expect(steps).toContain(second);
});
