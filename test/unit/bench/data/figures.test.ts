import { describe, expect, test } from 'vitest';
import { parseMachineTimes, parsePeakBytes, parseProcessTimes } from '../../../../bench/common/procfs.ts';
import { median, spread } from '../../../../bench/common/statistics.ts';
import { markText } from '../../../../bench/common/table.ts';
import { methodTable, pairTable } from '../../../../bench/data/report.ts';
import type { Run } from '../../../../bench/data/runner.ts';
import { summariseMethod, summarisePairs } from '../../../../bench/data/summary.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function run(method: string, round: number, wallSeconds: number, more: Partial<Run> = {}): Run {
  return {
    comparison: 'rival',
    method,
    round,
    wallSeconds,
    cpuSeconds: { agent: wallSeconds / 2, hub: wallSeconds / 2 },
    osdCpuSeconds: 3,
    peakBytes: { agent: 100 * MIB, hub: 50 * MIB },
    othersShare: 0,
    wireBytes: 512 * MIB,
    poolBytes: [1024 * MIB],
    repeats: 0,
    isDisturbed: false,
    ...more,
  };
}

describe('what Linux says', () => {
  test('of a process whose name is made to confuse', () => {
    const stat = `7 (a) b (c) S 2 7 7 0 -1 4194560 1 2 3 4 150 50 1000 25 20 0 9 0 77 1 1`;
    expect(parseProcessTimes(stat)).toEqual({ parent: 2, own: 2, ended: 10.25 });
  });

  test('of the machine: work and what the host took, not idling, waiting or interrupts', () => {
    const stat = 'cpu  100 20 30 4000 500 6000 7000 80 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
    expect(parseMachineTimes(stat)).toEqual({ busy: 1.5, stolen: 0.8 });
  });

  test('of memory', () => {
    expect(parsePeakBytes('VmPeak:\t  99 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n')).toBe(2 * MIB);
    expect(parsePeakBytes('Name:\tgone\n')).toBeUndefined();
  });
});

test('median and spread', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 10])).toBe(3);
  expect(spread([3, 10, 2])).toEqual({ median: 3, min: 2, max: 10 });
  expect(spread([])).toBeUndefined();
});

describe('a summary', () => {
  const pair = { name: 'rival', subject: 'mine', rival: 'theirs' };

  test('is of the runs of a method, per GiB of data and copy', () => {
    const runs = [run('mine', 0, 4), run('mine', 1, 6), run('mine', 2, 20), run('theirs', 0, 1)];
    expect(summariseMethod(runs, { method: 'mine', copies: 2, dataBytes: GIB / 2 })).toEqual({
      method: 'mine',
      runs: 3,
      isDisturbed: false,
      wallSeconds: { median: 6, min: 4, max: 20 },
      clientCpuPerGib: 6,
      osdCpuPerGib: 3,
      peakBytes: 100 * MIB,
      wireBytes: 512 * MIB,
      poolBytes: 1024 * MIB,
    });
    expect(summariseMethod(runs, { method: 'other', copies: 1, dataBytes: GIB })).toBeUndefined();
  });

  test('has the ratios of runs of the same round', () => {
    const runs = [
      run('mine', 0, 2),
      run('theirs', 0, 4),
      run('theirs', 1, 5),
      run('mine', 1, 1),
      run('mine', 1, 50, { comparison: 'another' }),
    ];
    const summary = summarisePairs(runs, pair);
    expect(summary).toMatchObject({ pairs: 2, isDisturbed: false });
    expect(summary?.wall).toEqual({ median: 0.35, min: 0.2, max: 0.5 });
    expect(summary?.cpu.median).toBeCloseTo(0.35);
    expect(summarisePairs(runs, { name: 'rival', subject: 'mine' })).toBeUndefined();
  });

  test('leaves out what was disturbed, unless there is nothing else, and then says so', () => {
    const disturbed = { isDisturbed: true };
    const runs = [run('mine', 0, 2), run('theirs', 0, 4), run('mine', 1, 9), run('theirs', 1, 1, disturbed)];
    expect(summarisePairs(runs, pair)).toMatchObject({ pairs: 1, wall: { max: 0.5 }, isDisturbed: false });
    const theirs = { method: 'theirs', copies: 1, dataBytes: GIB };
    expect(summariseMethod(runs, theirs)).toMatchObject({ runs: 1, wallSeconds: { min: 4 } });
    const late = runs.filter(({ round }) => round === 1);
    expect(summariseMethod(late, theirs)).toMatchObject({ runs: 1, isDisturbed: true });
    expect(summarisePairs(late, pair)).toMatchObject({ pairs: 1, wall: { max: 9 }, isDisturbed: true });
  });
});

test('the tables', () => {
  const runs = [
    run('mine', 0, 2),
    run('theirs', 0, 4, { isDisturbed: true, wireBytes: undefined, poolBytes: [] }),
  ];
  const methods = ['mine', 'theirs'].flatMap(
    (method) => summariseMethod(runs, { method, copies: 1, dataBytes: GIB }) ?? [],
  );
  const pairs = [summarisePairs(runs, { name: 'rival', subject: 'mine', rival: 'theirs' })].flatMap(
    (one) => one ?? [],
  );
  const titleOf = (method: string) => (method === 'mine' ? 'my | own' : 'the theirs');
  expect(methodTable(methods, titleOf)).toBe(
    `
| what       | runs | wall s, median (min to max) | client CPU s/GiB | OSD CPU s/GiB | peak MiB | wire MiB | pool MiB |
| ---------- | ---: | --------------------------: | ---------------: | ------------: | -------: | -------: | -------: |
| my \\| own  |    1 |         2.00 (2.00 to 2.00) |             2.00 |          3.00 |      100 |      512 |     1024 |
| the theirs |    1 |        ~4.00 (4.00 to 4.00) |             4.00 |          3.00 |      100 |        - |        - |
`.trimStart(),
  );
  expect(pairTable(pairs, titleOf)).toContain('| my \\| own           | the theirs |     1 | ');
  expect(pairTable(pairs, titleOf)).toContain('~0.50 (0.50 to 0.50)');
  expect(markText(pairs)).toContain('~ something else on the machine disturbed');
  expect(markText([])).toBe('');
});
