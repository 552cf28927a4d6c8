import { describe, expect, test } from 'vitest';
import { measureCalls, percentile } from '../../../bench/control/measure.ts';

const signal = new AbortController().signal;

describe('a percentile', () => {
  test.each([
    [[1], 0.99, 1],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.99, 4],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
    [Array.from({ length: 200 }, (_, index) => index + 1), 0.99, 198],
    [[], 0.99, Number.NaN],
  ])('of %j at %d', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });
});

describe('calls', () => {
  test('are made by as many callers as wanted, and no more than wanted', async () => {
    let underWay = 0;
    let most = 0;
    const seen: number[] = [];
    const call = async (index: number) => {
      seen.push(index);
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    };
    const figures = await measureCalls(call, { callers: 3, until: (calls) => calls >= 10, signal });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBe(3);
    expect(figures).toMatchObject({ calls: 10, failures: 0, firstFailure: undefined });
    expect(figures.perSecond).toBeGreaterThan(0);
  });

  test('that fail are counted, said once why, and have no time', async () => {
    const call = async (index: number) => {
      if (index > 0) throw new Error(`no ${index}`);
    };
    const figures = await measureCalls(call, { callers: 1, until: (calls) => calls >= 3, signal });
    expect(figures).toMatchObject({ calls: 3, failures: 2, firstFailure: 'no 1' });
    expect(figures.maxMs).toBe(figures.p50Ms);
  });

  test('end with the bench', async () => {
    const over = new AbortController();
    const call = async () => over.abort(new Error('interrupted'));
    const endless = measureCalls(call, { callers: 2, until: (calls) => calls > 99, signal: over.signal });
    await expect(endless).rejects.toThrow('interrupted');
  });
});
