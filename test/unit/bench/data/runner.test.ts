import { beforeEach, describe, expect, test } from 'vitest';
import type { Reading } from '../../../../bench/common/meter.ts';
import type { Method } from '../../../../bench/data/method.ts';
import { type RunnerParts, runAll } from '../../../../bench/data/runner.ts';

const PAIR = { name: 'pair', subject: 'mine', rival: 'theirs' };

describe('the runner', () => {
  let steps: string[] = [];
  beforeEach(() => {
    steps = [];
  });

  function method(name: string, checked: () => Promise<void> = async () => {}): Method {
    return {
      name,
      title: name,
      copies: 1,
      prepare: async () => ({
        clients: () => new Map(),
        run: async () => void steps.push(name) as undefined,
        check: async () => {
          await checked();
          steps.push('check');
          return { wireBytes: 1, poolBytes: [2] };
        },
        [Symbol.asyncDispose]: async () => void steps.push('remove'),
      }),
    };
  }

  /** `others`: what they take of the machine, run by run; nothing when there is no more of it. */
  function parts(others: readonly number[] = [], methods = [method('mine'), method('theirs')]): RunnerParts {
    const shares = [...others];
    const reading = (): Reading => ({
      wallSeconds: 1,
      cpuSeconds: {},
      osdCpuSeconds: 0,
      peakBytes: {},
      othersShare: shares.shift() ?? 0,
    });
    return {
      methods: new Map(methods.map((one) => [one.name, one])),
      meter: {
        measure: async (_clients, work) => {
          await work();
          return reading();
        },
      },
      quiet: {
        untilOsdsAre: async () => void steps.push('osds'),
        untilMachineIs: async () => void steps.push('machine'),
      },
      othersLimit: 0.1,
      signal: new AbortController().signal,
      onRun: () => {},
    };
  }

  test('checks and removes after each run, and turns the order of a pair around', async () => {
    const runs = await runAll(parts(), [PAIR], 2);
    expect(runs.map(({ round, method }) => `${round} ${method}`)).toEqual([
      '0 mine',
      '0 theirs',
      '1 theirs',
      '1 mine',
    ]);
    expect(steps.slice(0, 8).join(' ')).toBe('osds mine check remove osds theirs check remove');
    expect(runs[0]).toMatchObject({ comparison: 'pair', wireBytes: 1, poolBytes: [2], repeats: 0 });
  });

  test('makes a run that was disturbed again, and keeps the good one', async () => {
    const [mine] = await runAll(parts([0.5, 0.2, 0.1]), [PAIR], 1);
    expect(mine).toMatchObject({ othersShare: 0.1, repeats: 2, isDisturbed: false });
    expect(steps.filter((step) => step === 'mine')).toHaveLength(3);
    expect(steps.filter((step) => step === 'machine')).toHaveLength(2);
  });

  test('after three repeats keeps the quietest and says that it was disturbed', async () => {
    const [mine, theirs] = await runAll(parts([0.5, 0.2, 0.4, 0.3]), [PAIR], 1);
    expect(mine).toMatchObject({ othersShare: 0.2, repeats: 3, isDisturbed: true });
    expect(theirs).toMatchObject({ repeats: 0, isDisturbed: false });
  });

  test('ends when a copy differs, and removes it', async () => {
    const bad = method('mine', async () => {
      throw new Error('the copy differs');
    });
    await expect(runAll(parts([], [bad]), [PAIR], 1)).rejects.toThrow('the copy differs');
    expect(steps).toEqual(['osds', 'mine', 'remove']);
  });
});
