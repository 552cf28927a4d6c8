import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Attach, type AttachCall } from '../../../src/agent/attach.ts';
import { Backoff } from '../../../src/agent/backoff.ts';
import { ImageLocks } from '../../../src/agent/image-locks.ts';
import { ProgressTeller } from '../../../src/agent/progress-teller.ts';
import { TaskBoard } from '../../../src/agent/task-board.ts';
import { noProgress, type Phase } from '../../../src/domain/job.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

function teller(takes: () => boolean = () => true) {
  const told: string[] = [];
  const parts = {
    now: Date.now,
    tell: ({ phase, doneBytes }: { phase: Phase; doneBytes: number }) => {
      const taken = takes();
      told.push(`${Date.now()} ${phase} ${doneBytes}${taken ? '' : ' dropped'}`);
      return taken;
    },
  };
  const one = new ProgressTeller(parts);
  const report = (doneBytes: number, phase: Phase = 'transferring') =>
    one.report({ ...noProgress(phase), doneBytes });
  return { one, told, report };
}

test('what was reported last is told, also when nothing follows', () => {
  const { told, report } = teller();
  report(0);
  vi.advanceTimersByTime(100);
  report(1);
  vi.advanceTimersByTime(100);
  report(2);
  // The copy stands still from here on.
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['0 transferring 0', '500 transferring 2']);
});

test('a phase is told at once, and only one thing for what waited', () => {
  const { told, report } = teller();
  expect(report(0)).toBe(true);
  vi.advanceTimersByTime(100);
  expect(report(1)).toBe(false);
  expect(report(0, 'verifying')).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['0 transferring 0', '100 verifying 0']);
});

test('what moves all the time is told twice a second', () => {
  const { told, report } = teller();
  for (let ms = 0; ms < 3_000; ms += 10) {
    report(ms);
    vi.advanceTimersByTime(10);
  }
  expect(told.map((line) => line.split(' ')[0])).toEqual([
    '0',
    '500',
    '1000',
    '1500',
    '2000',
    '2500',
    '3000',
  ]);
});

test('what finds the way to the hub full is told again, and the newest by then', () => {
  let full = true;
  const { told, report } = teller(() => !full);
  report(0);
  vi.advanceTimersByTime(400);
  report(1);
  vi.advanceTimersByTime(200);
  full = false;
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['0 transferring 0 dropped', '500 transferring 1 dropped', '1000 transferring 1']);
});

test('nothing is told after the end', () => {
  const { one, told, report } = teller();
  report(0);
  report(1);
  one[Symbol.dispose]();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['0 transferring 0']);
});

const ASSIGNMENT = {
  taskId: 'copy-1',
  attempt: 1,
  imageId: 'i',
  jobId: '',
  requestId: '',
  work: { kind: 'delete' },
} as const;

test('an attempt tells its last before its result, nothing after it, and how long it was at work', async () => {
  const told: string[] = [];
  const ended = Promise.withResolvers<void>();
  const board = new TaskBoard({
    locks: new ImageLocks(),
    now: Date.now,
    tell: ({ progress, result }) => {
      if (progress) told.push(`${Date.now()} ${String(progress.progress?.doneBytes)} bytes`);
      if (result) {
        told.push(`${Date.now()} result after ${result.seconds} s`);
        ended.resolve();
      }
      return true;
    },
    observer: {
      started: () => undefined,
      progressed: () => undefined,
      ended: () => undefined,
      ignored: () => undefined,
      inContext: (_assignment, work) => work(),
    },
    perform: async (_assignment, { onProgress, traffic }) => {
      const at = (doneBytes: number) => onProgress({ ...noProgress('transferring'), doneBytes });
      at(0);
      at(1);
      await vi.advanceTimersByTimeAsync(1250);
      at(2);
      at(3);
      return { outcome: { kind: 'copied', verifiedRoot: '' }, traffic };
    },
  });
  vi.setSystemTime(1000);
  board.assign(ASSIGNMENT);
  await ended.promise;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual(['1000 0 bytes', '1500 1 bytes', '2250 2 bytes', '2250 result after 1.25 s']);
});

test('a stream that is full takes no progress, and says so; it takes results', async () => {
  vi.useRealTimers();
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  let welcomed = false;
  const call = {
    messages: (async function* () {
      yield { welcome: { heartbeatIntervalMs: 60_000, revokedStoreIds: [] } };
      await ended.promise;
    })(),
    // No progress goes through.
    write: (message) => (message.progress ? new Promise(() => {}) : Promise.resolve()),
    end: () => ended.resolve(),
    [Symbol.asyncDispose]: async () => undefined,
  } as AttachCall;
  const attach = new Attach({
    refresh: async () => undefined,
    dial: async () => call,
    inventory: async () => [],
    hello: () => ({}),
    heartbeat: () => ({}),
    unheard: () => [],
    handle: () => undefined,
    welcomed: () => {
      welcomed = true;
    },
    detached: () => undefined,
    backoff: new Backoff({ minMs: 1, maxMs: 1 }, () => 0),
  });
  const progress = { progress: { taskId: 'copy-1', attempt: 1 } };
  // Nobody is there: it is said after the welcome.
  expect(attach.tell(progress)).toBe(true);
  const running = attach.run(stop.signal);
  await vi.waitFor(() => expect(welcomed).toBe(true), { timeout: 10_000 });
  const taken = Array.from({ length: 100 }, () => attach.tell(progress));
  expect(taken.indexOf(false)).toBeGreaterThan(0);
  expect(taken.at(-1)).toBe(false);
  expect(attach.tell({ result: { taskId: 'copy-1', attempt: 1 } })).toBe(true);
  stop.abort();
  await running;
});
