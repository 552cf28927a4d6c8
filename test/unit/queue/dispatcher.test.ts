import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Assignment } from '../../../src/queue/agent-port.ts';
import { Dispatcher } from '../../../src/queue/dispatcher.ts';
import { DRAFT, Scratch, uuid } from '../catalogue/scratch.ts';

const TASK = uuid(3);

let scratch: Scratch;
let dispatcher: Dispatcher;
let assigned: Assignment[];
let faults: unknown[];
let isOnline: boolean;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  scratch = new Scratch();
  assigned = [];
  faults = [];
  isOnline = true;
  const { catalogue } = scratch;
  catalogue.transact(() => {
    scratch.withStores();
    catalogue.images.insert(uuid(1), DRAFT, 'r');
    const spec = { kind: 'delete-copy', storeId: 'dcn0' } as const;
    const who = { requestedBy: 'ada', requestId: 'r' };
    catalogue.jobs.insert({ id: uuid(2), imageId: uuid(1), spec, ...who });
    catalogue.jobs.setState(uuid(2), 'running');
    const task = { id: TASK, jobId: uuid(2), imageId: uuid(1), storeId: 'dcn0', kind: 'delete' } as const;
    catalogue.tasks.insert({ ...task, sourceStoreId: undefined });
  });
  const agents = {
    isOnline: () => isOnline,
    assign: (_storeId: string, assignment: Assignment) => void assigned.push(assignment),
    cancel: () => undefined,
    discard: () => undefined,
    askChildren: async () => [],
  };
  dispatcher = new Dispatcher(
    {
      catalogue,
      agents,
      widths: { perStore: 1, overall: 1 },
      retry: { maxAttempts: 1, firstDelayMs: 1, maxDelayMs: 1, uploadKeepMs: 0 },
      newId: () => uuid(9),
      now: () => scratch.nowMs,
      random: () => 0,
      onChange: () => undefined,
      onAttemptEnd: () => undefined,
      onFault: (error) => void faults.push(error),
    },
    () => undefined,
  );
});
afterEach(() => {
  dispatcher.stop();
  scratch[Symbol.dispose]();
  vi.useRealTimers();
});

const passes = async (ms: number) => {
  scratch.nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
  // What a timer woke looks in the next turn.
  await vi.advanceTimersByTimeAsync(1);
};

test('a task that could not be written down is handed out once that is possible', async () => {
  const { catalogue } = scratch;
  const full = () => {
    throw new Error('database or disk is full');
  };
  Object.assign(catalogue, { transact: full });
  dispatcher.wake();
  await passes(0);
  await passes(10_000);
  expect(faults).toHaveLength(2);
  expect(assigned).toEqual([]);
  Reflect.deleteProperty(catalogue, 'transact');
  await passes(10_000);
  expect(assigned).toMatchObject([{ task: { id: TASK }, attempt: 1 }]);
  expect(faults).toHaveLength(2);
});

test('a catalogue that cannot be read when a task is due is looked at again', async () => {
  const { catalogue } = scratch;
  const { tasks, line } = catalogue;
  const notBeforeMs = scratch.nowMs + 1000;
  catalogue.transact(() => tasks.set(TASK, 'assigned', { attempt: 1 }));
  catalogue.transact(() => tasks.set(TASK, 'queued', { notBeforeMs }));
  dispatcher.wake();
  Object.assign(line, {
    due: () => {
      throw new Error('disk I/O error');
    },
  });
  await passes(1000);
  await passes(10_000);
  expect(faults).toHaveLength(2);
  Reflect.deleteProperty(line, 'due');
  await passes(10_000);
  expect(assigned).toMatchObject([{ task: { id: TASK }, attempt: 2 }]);
});

test('a task that comes due while tasks are being handed out is not forgotten', async () => {
  const { catalogue } = scratch;
  const { tasks, line } = catalogue;
  const notBeforeMs = scratch.nowMs + 5;
  catalogue.transact(() => tasks.set(TASK, 'assigned', { attempt: 1 }));
  catalogue.transact(() => tasks.set(TASK, 'queued', { notBeforeMs }));
  const due = line.due.bind(line);
  Object.assign(line, {
    due: (...asked: Parameters<typeof due>) => {
      const found = [...due(...asked)];
      // After its own lane was looked at.
      if (asked[0] === 'background') scratch.nowMs += 10;
      return found;
    },
  });
  dispatcher.wake();
  await passes(0);
  Reflect.deleteProperty(line, 'due');
  await passes(10);
  expect(assigned).toMatchObject([{ task: { id: TASK }, attempt: 2 }]);
});

test('very many tasks whose site is away are left waiting, some at a time', async () => {
  const { catalogue } = scratch;
  isOnline = false;
  catalogue.transact(() => {
    for (let n = 100; n < 399; n++) {
      const task = {
        id: uuid(n),
        jobId: uuid(2),
        imageId: uuid(1),
        storeId: 'dcn0',
        kind: 'delete',
      } as const;
      catalogue.tasks.insert({ ...task, sourceStoreId: undefined });
    }
  });
  const waiting = () => catalogue.tasks.unended().filter(({ state }) => state === 'waiting').length;
  dispatcher.wake();
  vi.runOnlyPendingTimers();
  expect(waiting()).toBe(256);
  vi.runOnlyPendingTimers();
  expect(waiting()).toBe(300);
  expect(assigned).toEqual([]);
});
