import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addTotals, NO_TRAFFIC, type TaskKind, type TaskTotals } from '../../../src/domain/job.ts';
import { DRAFT, Scratch, uuid } from './scratch.ts';

const TRAFFIC = { receivedBytes: 600, wireBytes: 300, holeBytes: 40, resumedBytes: 400, verifiedBytes: 1000 };

describe('totals', () => {
  test('are of all attempts, but for what is counted anew by each', () => {
    const first: TaskTotals = { traffic: { ...TRAFFIC, resumedBytes: 0 }, seconds: 2, compression: 'on' };
    expect(addTotals(undefined, first)).toEqual(first);
    const second = { traffic: TRAFFIC, seconds: 1.5 };
    expect(addTotals(first, second)).toEqual({
      traffic: { receivedBytes: 1200, wireBytes: 600, holeBytes: 40, resumedBytes: 400, verifiedBytes: 2000 },
      seconds: 3.5,
      compression: 'on',
    });
  });
});

describe('a task', () => {
  let scratch: Scratch;
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(() => scratch[Symbol.dispose]());

  function task(kind: TaskKind): string {
    const { catalogue } = scratch;
    const [imageId, jobId, taskId] = [uuid(1), uuid(2), uuid(3)];
    catalogue.transact(() => {
      scratch.withStores();
      catalogue.images.insert(imageId, DRAFT, 'r');
      catalogue.jobs.insert({
        id: jobId,
        imageId,
        spec: { kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false },
        requestedBy: 'ada',
        requestId: 'r',
      });
      catalogue.tasks.insert({ id: taskId, jobId, imageId, storeId: 'dcn0', kind, sourceStoreId: 'central' });
    });
    return taskId;
  }

  const details = () =>
    scratch.catalogue.events.list({ limit: 100 }).map(({ kind, detail }) => [kind, detail]);

  test('keeps them for good, and its end tells of them', () => {
    const taskId = task('copy');
    const { catalogue } = scratch;
    expect(catalogue.tasks.get(taskId).totals).toBeUndefined();
    catalogue.transact(() => {
      catalogue.tasks.account(taskId, { traffic: TRAFFIC, seconds: 2, compression: 'link-keeps-up' });
      catalogue.tasks.set(taskId, 'assigned', { attempt: 1 });
      catalogue.tasks.set(taskId, 'done');
    });
    scratch.reopen();
    const totals = { traffic: TRAFFIC, seconds: 2, compression: 'link-keeps-up' };
    expect(scratch.catalogue.tasks.get(taskId).totals).toEqual(totals);
    expect(scratch.catalogue.tasks.ofJob(uuid(2))).toMatchObject([{ totals }]);
    expect(details().slice(-2)).toEqual([
      ['task.assigned', { attempt: 1 }],
      [
        'task.done',
        { attempt: 1, ...TRAFFIC, seconds: 2, bytesPerSecond: 300, compression: 'link-keeps-up' },
      ],
    ]);
  });

  test('that fails tells of them too, and why', () => {
    const taskId = task('copy');
    const { catalogue } = scratch;
    const reason = { code: 'CORRUPT', message: 'wrong bytes' } as const;
    catalogue.transact(() => {
      catalogue.tasks.account(taskId, { traffic: TRAFFIC, seconds: 0 });
      catalogue.tasks.set(taskId, 'failed', { reason });
    });
    expect(details().at(-1)).toEqual([
      'task.failed',
      { attempt: 0, ...reason, ...TRAFFIC, seconds: 0, bytesPerSecond: 0 },
    ]);
  });

  test('that moves no bytes tells how long it took', () => {
    const taskId = task('delete');
    const { catalogue } = scratch;
    catalogue.transact(() => {
      catalogue.tasks.account(taskId, { traffic: NO_TRAFFIC, seconds: 0.25 });
      catalogue.tasks.set(taskId, 'done');
    });
    expect(details().at(-1)).toEqual(['task.done', { attempt: 0, seconds: 0.25 }]);
  });
});
