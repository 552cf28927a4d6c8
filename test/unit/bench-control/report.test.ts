import { describe, expect, test } from 'vitest';
import type { CallFigures } from '../../../bench/control/measure.ts';
import { failures, judge, table } from '../../../bench/control/report.ts';
import type { RunFigures } from '../../../bench/control/run.ts';

const MIB = 1024 * 1024;

function calls(changes: Partial<CallFigures> = {}): CallFigures {
  const times = { p50Ms: 1, p99Ms: 2, maxMs: 3 };
  return { calls: 10, failures: 0, firstFailure: undefined, perSecond: 100, ...times, ...changes };
}

function run(sites: number, changes: Partial<RunFigures> = {}): RunFigures {
  const method = { alone: calls(), busy: calls() };
  const copying = {
    images: 1,
    copies: 999,
    acceptedSeconds: 0.5,
    accept: calls(),
    endedSeconds: 4,
    endedCopies: 999,
    copiesPerSecond: 250,
    unsuccessful: 0,
    hubCpuSeconds: 3,
    meanwhile: { list: calls(), show: calls() },
  };
  const memory = { residentBytes: 200 * MIB, peakBytes: 300 * MIB };
  return {
    sites,
    images: 10_000,
    copies: 100_000,
    loadBefore: 0.1,
    startSeconds: 1,
    attachSeconds: 20,
    list: method,
    show: method,
    copy: method,
    copyOne: copying,
    copyTogether: copying,
    listOfCopied: calls(),
    showOfCopied: calls(),
    memory: { attached: memory, end: memory },
    databaseBytes: { filled: 100 * MIB, end: 120 * MIB, endLog: 4 * MIB },
    detached: { times: 0, lastReason: '' },
    ...changes,
  };
}

/** What is missed. */
const missed = (one: RunFigures) =>
  judge([one])
    .filter(({ isMet }) => !isMet)
    .map(({ what, measured }) => `${what}: ${measured}`);

describe('the targets', () => {
  test('are about the run with a thousand sites, and none is judged without it', () => {
    expect(judge([run(10), run(100)])).toEqual([]);
    expect(judge([run(10), run(1000)]).map(({ isMet }) => isMet)).toEqual([true, true, true, true]);
  });

  test('are missed by what is slower or larger, and by what failed', () => {
    const { copyOne } = run(1000);
    const alone = calls({ p99Ms: 50.1 });
    expect(missed(run(1000, { list: { alone, busy: calls() } }))).toEqual(['list, p99: 50.1 ms']);
    expect(missed(run(1000, { listOfCopied: calls({ failures: 1, calls: 1 }) }))).toEqual([
      'list of images that all stores hold, p99: 1 failed',
    ]);
    expect(missed(run(1000, { copyOne: { ...copyOne, acceptedSeconds: 1.01 } }))).toEqual([
      'a copy to all is accepted: 1.01 s',
    ]);
    const end = { residentBytes: 1, peakBytes: 401 * MIB };
    expect(missed(run(1000, { memory: { attached: end, end } }))).toEqual([
      'memory of the hub, peak: 401 MiB',
    ]);
  });
});

describe('the table', () => {
  test('has a column for each run, and says what did not end', () => {
    const { copyTogether } = run(1000);
    const unended = { ...copyTogether, endedSeconds: undefined, endedCopies: 500 };
    const text = table([run(10), run(1000, { copyTogether: unended })]);
    expect(text).toMatch(/^sites +10 +1000$/m);
    expect(text).toMatch(/^many at once: ended, s +4\.00 +500 of 999$/m);
    expect(new Set(text.split('\n').map((line) => line.length)).size).toBe(1);
  });
});

test('failures are told with their reason', () => {
  expect(failures([run(10)])).toBe('');
  const listOfCopied = calls({ failures: 2, firstFailure: 'too large' });
  expect(failures([run(10), run(100, { listOfCopied })])).toBe('100 sites, list of copied: too large');
});
