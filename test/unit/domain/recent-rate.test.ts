import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RATE_WINDOW_MS, RecentRate } from '../../../src/domain/recent-rate.ts';

/** A sum told every half second, growing by so much each time. */
function steady(rate: RecentRate, fromMs: number, times: number, bytes: number, sum = 0): number {
  let told = sum;
  for (let at = 0; at < times; at += 1) {
    rate.record(told, fromMs + at * 500);
    told += bytes;
  }
  return told - bytes;
}

describe('the rate over the last seconds', () => {
  test('is not known from one sum, and soon from two', () => {
    const rate = new RecentRate();
    expect(rate.at(0)).toBeUndefined();
    rate.record(1000, 0);
    expect(rate.at(500)).toBeUndefined();
    rate.record(1020, 200);
    // Two sums that come close together say little of a second.
    expect(rate.at(200)).toBeUndefined();
    rate.record(1050, 500);
    expect(rate.at(500)).toBe(100);
  });

  test('is that of now, not the average since the start', () => {
    const rate = new RecentRate();
    const sum = steady(rate, 0, 100, 500);
    expect(rate.at(49_500)).toBe(1000);
    steady(rate, 50_000, 11, 50, sum);
    expect(rate.at(55_000)).toBe(100);
  });

  test('does not waver between two reports', () => {
    const rate = new RecentRate();
    steady(rate, 0, 20, 500);
    for (const ms of [9_500, 9_700, 9_999, 10_400]) expect(rate.at(ms)).toBe(1000);
  });

  test('falls while nothing comes, and is 0 when the window is over', () => {
    const rate = new RecentRate();
    steady(rate, 0, 21, 500);
    expect(rate.at(12_000)).toBeLessThan(1000);
    expect(rate.at(12_000)).toBeGreaterThan(0);
    expect(rate.at(10_000 + RATE_WINDOW_MS)).toBe(0);
    expect(rate.at(1_000_000)).toBe(0);
  });

  test('is 0 after the window also where the same sum is said again and again', () => {
    const rate = new RecentRate();
    const sum = steady(rate, 0, 21, 500);
    steady(rate, 10_500, 10, 0, sum);
    expect(rate.at(15_000)).toBe(0);
  });

  test('after a standstill is within seconds that of the bytes that move again', () => {
    const rate = new RecentRate();
    const sum = steady(rate, 0, 21, 500);
    // Half a minute later.
    const more = steady(rate, 40_000, 2, 500, sum + 500);
    expect(rate.at(40_500)).toBeLessThan(1000);
    steady(rate, 41_000, 8, 500, more + 500);
    expect(rate.at(44_500)).toBeCloseTo(1000, -2);
  });

  test('begins anew with a sum that falls', () => {
    const rate = new RecentRate();
    steady(rate, 0, 10, 500);
    rate.record(10, 5_000);
    expect(rate.at(5_100)).toBeUndefined();
    rate.record(20, 5_500);
    expect(rate.at(5_500)).toBe(20);
  });

  test('bears a clock that is set back', () => {
    const rate = new RecentRate();
    rate.record(0, 10_000);
    rate.record(100, 11_000);
    rate.record(200, 2_000);
    expect(rate.at(2_000)).toBe(200);
  });
});

describe('whatever is told, whenever', () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 9_000 }), bytes: fc.integer({ min: 0, max: 1e9 }) }),
    { minLength: 1, maxLength: 60 },
  );

  test('it is never negative, counts nothing from before the window, and is 0 after it', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 9_000 }), (told, laterMs) => {
        const rate = new RecentRate();
        const samples: { atMs: number; bytes: number }[] = [];
        let atMs = 0;
        let bytes = 0;
        for (const step of told) {
          atMs += step.afterMs;
          bytes += step.bytes;
          samples.push({ atMs, bytes });
          rate.record(bytes, atMs);
        }
        const nowMs = atMs + laterMs;
        const found = rate.at(nowMs);
        if (laterMs >= RATE_WINDOW_MS) expect(found).toBe(0);
        if (found === undefined) return;
        expect(Number.isFinite(found)).toBe(true);
        expect(found).toBeGreaterThanOrEqual(0);
        // The newest sum from before the window, and the moment within which sums are put together.
        const base = samples.findLast((sample) => sample.atMs <= nowMs - RATE_WINDOW_MS - 200);
        if (base === undefined) return;
        expect(found * 4).toBeLessThanOrEqual(bytes - base.bytes + 1);
      }),
    );
  });

  test('an even flow is told as it is, however unevenly it is reported', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 20, maxLength: 200 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (gaps, bytesPerMs) => {
          const rate = new RecentRate();
          let atMs = 0;
          rate.record(0, 0);
          for (const gap of gaps) {
            atMs += gap;
            rate.record(atMs * bytesPerMs, atMs);
          }
          if (atMs < 250) return;
          const found = rate.at(atMs) ?? 0;
          expect(Math.abs(found / (bytesPerMs * 1000) - 1)).toBeLessThan(1e-6);
        },
      ),
    );
  });
});
