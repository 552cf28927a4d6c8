import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TaskState } from '../../../src/domain/job.ts';
import type { Assignment } from '../../../src/queue/agent-port.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { DRAFT, Scratch, uuid } from '../catalogue/scratch.ts';
import { dataOf, TRAFFIC } from './fake-sites.ts';

/* A job at more stores than are looked after in one turn of the event loop. */

const EDGES = Array.from({ length: 599 }, (_, n) => `dcn${n}`);
const IMAGE = uuid(1);
const WIDTH = 700;

let scratch: Scratch;
let queue: Queue;
let assigned: Assignment[];
let away: Set<string>;
let faults: unknown[];
let isBroken: boolean;
beforeEach(() => {
  scratch = new Scratch();
  assigned = [];
  away = new Set();
  faults = [];
  isBroken = false;
  const { catalogue } = scratch;
  catalogue.transact(() => {
    catalogue.stores.add('central', 'central');
    for (const id of EDGES) catalogue.stores.add(id, 'edge');
    catalogue.images.insert(IMAGE, DRAFT, 'r');
    catalogue.manifests.put(dataOf(IMAGE).root, Buffer.from('manifest'));
    for (const status of ['uploading', 'importing'] as const) catalogue.images.setStatus(IMAGE, status, {});
    catalogue.images.setData(IMAGE, dataOf(IMAGE));
    catalogue.images.setStatus(IMAGE, 'active', {});
    catalogue.copies.set(IMAGE, 'central', 'copying');
    catalogue.copies.set(IMAGE, 'central', 'present', { verifiedRoot: dataOf(IMAGE).root });
  });
  let ids = 100;
  queue = new Queue({
    catalogue,
    agents: {
      isOnline: (storeId) => !away.has(storeId),
      assign: (_storeId, assignment) => void assigned.push(assignment),
      cancel: () => undefined,
      discard: () => undefined,
      askChildren: async () => [],
    },
    widths: { perStore: 1, overall: WIDTH },
    retry: { maxAttempts: 1, firstDelayMs: 1, maxDelayMs: 1, uploadKeepMs: 0 },
    newId: () => {
      if (isBroken) throw new Error('database or disk is full');
      return uuid(ids++);
    },
    now: () => scratch.nowMs,
    random: () => 0,
    onChange: () => undefined,
    onAttemptEnd: () => undefined,
    onFault: (error) => void faults.push(error),
  });
  queue.start();
});
afterEach(() => {
  queue.stop();
  scratch[Symbol.dispose]();
});

function submit() {
  const { catalogue } = scratch;
  const spec = { kind: 'copy', storeIds: EDGES, allMustSucceed: false } as const;
  const job = catalogue.transact(() => queue.submit(IMAGE, spec, { requestedBy: 'ada', requestId: 'r' }));
  queue.submitted(job);
  return job;
}

function count(jobId: string, state?: TaskState): number {
  const tasks = scratch.catalogue.tasks.ofJob(jobId);
  return tasks.filter((task) => state === undefined || task.state === state).length;
}

/** Until nothing changes any more: some turns, as many as it takes for a job as wide as this. */
async function settle(): Promise<void> {
  for (let n = 0; n < 40; n++) await turn();
}

function end({ task, attempt }: Assignment): void {
  const outcome = { kind: 'copied', verifiedRoot: dataOf(IMAGE).root, traffic: TRAFFIC } as const;
  queue.ended(task.storeId, { taskId: task.id, attempt }, outcome);
}

test('its tasks are made some at a time, and handed out meanwhile', async () => {
  const job = submit();
  expect(count(job.id)).toBe(128);
  await turn();
  await turn();
  expect(assigned.length).toBeGreaterThan(0);
  expect(count(job.id)).toBeLessThan(EDGES.length);
  await settle();
  expect(count(job.id)).toBe(EDGES.length);
  expect(new Set(assigned.map(({ task }) => task.storeId))).toEqual(new Set(EDGES));
  expect(faults).toEqual([]);
});

test('it is planned anew when its last task is done, and not for each of them', async () => {
  const { catalogue } = scratch;
  const job = submit();
  await settle();
  const views: string[] = [];
  const view = catalogue.view.bind(catalogue);
  const watched = (id: string) => {
    views.push(id);
    return view(id);
  };
  Object.assign(catalogue, { view: watched });
  for (const one of assigned.slice(1)) end(one);
  expect(views).toEqual([]);
  expect(catalogue.jobs.get(job.id).state).toBe('running');
  for (const one of assigned.slice(0, 1)) end(one);
  expect(views).not.toEqual([]);
  expect(catalogue.jobs.get(job.id).state).toBe('succeeded');
});

test('cancelled while its tasks are being made, it ends, and makes no more', async () => {
  const { catalogue } = scratch;
  const job = submit();
  queue.cancel(job.id, 'ada');
  await settle();
  expect(catalogue.jobs.get(job.id).state).toBe('cancelled');
  expect(count(job.id)).toBe(128);
  expect(catalogue.copies.ofImage(IMAGE)).toHaveLength(1);
  expect(assigned).toEqual([]);
});

test('what is not made when the hub stops is made by the next one', async () => {
  const job = submit();
  queue.stop();
  await settle();
  expect(count(job.id)).toBe(128);
  expect(scratch.catalogue.jobs.get(job.id).state).toBe('running');
});

test('what could not be written down is told, and is not forgotten', async () => {
  const job = submit();
  isBroken = true;
  await settle();
  expect(faults).toHaveLength(1);
  expect(count(job.id)).toBe(128);
  isBroken = false;
  // Whatever else happens to the image takes it up again, too.
  queue.submitted(job);
  await settle();
  expect(count(job.id)).toBeGreaterThan(128);
});

test('all that waits for a source goes on when that is back', async () => {
  away.add('central');
  const job = submit();
  await settle();
  expect(count(job.id, 'waiting')).toBe(EDGES.length);
  away.delete('central');
  queue.attached('central', []);
  expect(count(job.id, 'waiting')).toBeGreaterThan(0);
  await settle();
  expect(count(job.id, 'waiting')).toBe(0);
  expect(assigned).toHaveLength(EDGES.length);
});
