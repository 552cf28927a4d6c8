import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Processors } from '../../../src/transfer/processors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function busyFor(...shares: number[]) {
  let [idleMs, allMs] = [0, 0];
  return new Processors(() => {
    const now = { idleMs, allMs };
    const busy = shares.shift() ?? 0;
    idleMs += 2000 * (1 - busy);
    allMs += 2000;
    return now;
  });
}

test('tells the idle share of the last second, while somebody watches', () => {
  const processors = busyFor(0.25, 0.75, 0);
  expect(processors.idleShare).toBeUndefined();
  const one = processors.watch();
  const two = processors.watch();
  expect(processors.idleShare).toBeUndefined();
  vi.advanceTimersByTime(1000);
  expect(processors.idleShare).toBe(0.75);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  vi.advanceTimersByTime(1000);
  expect(processors.idleShare).toBe(0.25);
  two[Symbol.dispose]();
  vi.advanceTimersByTime(1000);
  expect(processors.idleShare).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});

test('one sampler is enough, also for requests that come one after the other', () => {
  const processors = busyFor(0.25, 0.75, 0);
  for (let request = 0; request < 5; request++) {
    processors.watch()[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(1);
  }
  using _watch = processors.watch();
  vi.advanceTimersByTime(1000);
  expect(processors.idleShare).toBe(0.75);
});

test('reads the times of this machine', async () => {
  vi.useRealTimers();
  const processors = new Processors();
  using _watch = processors.watch();
  await expect.poll(() => processors.idleShare, { timeout: 5000 }).toBeDefined();
  expect(processors.idleShare).toBeGreaterThanOrEqual(0);
  expect(processors.idleShare).toBeLessThanOrEqual(1);
});
