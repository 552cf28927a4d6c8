import { expect, test } from 'vitest';
import { UNLIMITED } from '../../../src/domain/rate.ts';
import { Timetable } from '../../../src/domain/timetable.ts';
import { systemClock } from '../../../src/pacing/clock.ts';
import { followTimetable } from '../../../src/pacing/follow.ts';
import { Pacer } from '../../../src/pacing/pacer.ts';
import { FakeClock } from './fake-clock.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const timetable = Timetable.parse('08:00 20M, 18:00 off');

function started(atMs: number) {
  const clock = new FakeClock(atMs);
  const { source } = new Pacer({ clock });
  return { clock, source, following: followTimetable(source, timetable, clock) };
}

test('a limit changes when its timetable does, to the millisecond', async () => {
  const { clock, source } = started(Date.UTC(2026, 10, 20, 7, 59, 30));
  expect(source.rate).toBe(UNLIMITED);
  await clock.pass(MINUTE_MS / 2 - 1);
  expect(source.rate).toBe(UNLIMITED);
  await clock.pass(1);
  expect(source.rate).toBe(20 * MIB);
  await clock.pass(10 * HOUR_MS - 1);
  expect(source.rate).toBe(20 * MIB);
  await clock.pass(1);
  expect(source.rate).toBe(UNLIMITED);
});

test('a clock that was set is noticed within a minute', async () => {
  const { clock, source } = started(Date.UTC(2026, 10, 20, 3));
  await clock.pass(1);
  clock.epochOffsetMs += 9 * HOUR_MS;
  await clock.pass(MINUTE_MS);
  expect(source.rate).toBe(20 * MIB);
});

test('nobody follows a timetable that is replaced, or never changes', async () => {
  const { clock, source, following } = started(Date.UTC(2026, 10, 20, 7));
  following[Symbol.dispose]();
  using _constant = followTimetable(source, Timetable.parse('5M'), clock);
  expect([source.rate, clock.timers]).toEqual([5 * MIB, 0]);
  await clock.pass(2 * HOUR_MS);
  expect(source.rate).toBe(5 * MIB);
});

test('the clock of the machine wakes who waits for it, unless that was taken back', async () => {
  const woken = Promise.withResolvers<void>();
  systemClock.after(1, () => woken.reject(new Error('was taken back')))();
  const beganMs = systemClock.nowMs();
  systemClock.after(20, woken.resolve);
  // Its own timers keep no process alive.
  const alive = setTimeout(() => {}, 10_000);
  await woken.promise;
  clearTimeout(alive);
  expect(systemClock.nowMs() - beganMs).toBeGreaterThanOrEqual(18);
  expect(Math.abs(systemClock.epochMs() - Date.now())).toBeLessThan(1000);
});
