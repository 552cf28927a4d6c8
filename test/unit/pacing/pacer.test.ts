import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../../src/domain/rate.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { MAX_TAKE_BYTES } from '../../../src/pacing/bucket.ts';
import { Pacer } from '../../../src/pacing/pacer.ts';
import { FakeClock } from './fake-clock.ts';
import { Road } from './road.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const forever = new AbortController().signal;

describe('a limit', () => {
  it('that is none holds nothing up', async () => {
    const road = new Road();
    const takes = Array.from({ length: 100 }, () => road.take([road.pacer.limit()], 'normal', MIB));
    await road.clock.pass(0);
    expect(takes.map(({ givenAtMs }) => givenAtMs)).toEqual(takes.map(() => 0));
    expect(road.clock.timers).toBe(0);
  });

  it('of several is the tightest, and bytes count once against each', async () => {
    const road = new Road();
    road.pacer.source.setRate(8 * MIB);
    const store = road.pacer.limit(4 * MIB);
    const job = road.pacer.limit(2 * MIB);
    road.stream([store, job, job, road.pacer.source], 'normal', 256 * KIB);
    const passed = async () => {
      const beganMs = road.clock.nowMs();
      await road.clock.pass(100_000);
      return road.bytes(() => true, beganMs) / 100 / MIB;
    };
    expect(await passed()).toBeCloseTo(2, 1);
    job.setRate(UNLIMITED);
    expect(await passed()).toBeCloseTo(4, 1);
    store.setRate(UNLIMITED);
    expect(await passed()).toBeCloseTo(8, 1);
  });

  it('counts for all its streams together', async () => {
    const road = new Road();
    road.pacer.source.setRate(6 * MIB);
    const [one, other] = [road.pacer.limit(4 * MIB), road.pacer.limit(4 * MIB)];
    for (const store of [one, one, other, other]) road.stream([store], 'normal', 64 * KIB);
    await road.clock.pass(20_000);
    expect(road.bytes(() => true) / MIB / 20).toBeCloseTo(6, 0);
    for (const store of [one, other]) {
      const share = road.bytes(({ limits }) => limits.includes(store)) / MIB / 20;
      expect(share).toBeGreaterThan(1.9);
      expect(share).toBeLessThan(4.2);
    }
  });

  it('that is slow holds up no stream of others', async () => {
    const road = new Road();
    road.pacer.source.setRate(10 * MIB);
    const [slow, fast, stopped] = [road.pacer.limit(32 * KIB), road.pacer.limit(), road.pacer.limit()];
    stopped.pause();
    road.stream([slow], 'normal', MIB, { width: 8 });
    road.stream([stopped], 'demand', MIB, { width: 8 });
    road.stream([fast], 'normal', MIB);
    await road.clock.pass(60_000);
    expect(road.bytes(({ limits }) => limits.includes(fast)) / MIB / 60).toBeGreaterThan(9.8);
    expect(road.bytes(({ limits }) => limits.includes(slow))).toBeGreaterThan(0);
    expect(road.bytes(({ limits }) => limits.includes(stopped))).toBe(0);
  });

  it('needs a rate above 0', () => {
    const { pacer } = new Road();
    for (const rate of [0, -1, Number.NaN]) expect(() => pacer.limit(rate)).toThrow(RangeError);
    expect(() => pacer.source.setRate(0)).toThrow(RangeError);
  });
});

describe('a change of rate', () => {
  it('holds at once for who waits, up and down', async () => {
    const road = new Road();
    road.pacer.source.setRate(64 * KIB);
    const takes = [0, 1, 2].map(() => road.take([], 'normal', MIB));
    await road.clock.pass(8000);
    road.pacer.source.setRate(MIB);
    // Of the first one's second half.
    await road.clock.pass(499);
    expect(takes.map(({ givenAtMs }) => givenAtMs)).toEqual([0, undefined, undefined]);
    await road.clock.pass(1);
    expect(takes[1]?.givenAtMs).toBe(8500);
    road.pacer.source.setRate(32 * KIB);
    await road.clock.pass(31_999);
    expect(takes[2]?.givenAtMs).toBeUndefined();
    await road.clock.pass(1);
    expect(takes[2]?.givenAtMs).toBe(40_500);
  });

  it('lets everybody go when the limit is lifted, and holds them from the first bytes when it is back', async () => {
    const road = new Road();
    road.pacer.source.setRate(64 * KIB);
    const before = Array.from({ length: 20 }, () => road.take([], 'normal', MIB));
    await road.clock.pass(10);
    road.pacer.source.setRate(UNLIMITED);
    await road.clock.pass(0);
    expect(before.every(({ givenAtMs }) => givenAtMs !== undefined)).toBe(true);
    await road.clock.pass(3600_000);
    road.pacer.source.setRate(MIB);
    const after = [0, 1, 2].map(() => road.take([], 'normal', MIB));
    await road.clock.pass(10_000);
    expect(after.map(({ givenAtMs = 0 }) => givenAtMs - 3600_010)).toEqual([0, 1000, 2000]);
  });
});

describe('a pause', () => {
  it('stops everything without a timer, and keeps the rate for afterwards', async () => {
    const road = new Road();
    const job = road.pacer.limit(UNLIMITED);
    job.pause();
    const take = road.take([job], 'normal', MIB);
    await road.clock.pass(3600_000);
    expect([take.givenAtMs, road.clock.timers, road.clock.woken, job.rate]).toEqual([undefined, 0, 0, 0]);
    job.setRate(MIB);
    expect(job.rate).toBe(0);
    job.resume();
    await road.clock.pass(0);
    expect([take.givenAtMs, job.rate]).toEqual([3600_000, MIB]);
  });

  it('gives nobody a burst afterwards', async () => {
    const road = new Road();
    const job = road.pacer.limit(MIB);
    job.pause();
    for (let index = 0; index < 20; index++) road.take([job], 'normal', MIB);
    await road.clock.pass(3600_000);
    job.resume();
    await road.clock.pass(5500);
    expect(road.bytes(() => true)).toBe(6 * MIB);
  });

  it('of many streams wakes nobody needlessly', async () => {
    const road = new Road();
    road.pacer.source.setRate(MIB);
    for (let index = 0; index < 50; index++) road.take([], 'normal', MIB);
    await road.clock.pass(60_000);
    expect(road.clock.woken).toBeLessThan(60);
  });
});

describe('lanes', () => {
  it('let demand overtake at once whatever waits', async () => {
    const road = new Road();
    road.pacer.source.setRate(10 * MIB);
    for (let index = 0; index < 100; index++) road.take([], index % 2 ? 'normal' : 'background', MIB);
    await road.clock.pass(1000);
    const demand = road.take([], 'demand', MIB);
    const done = road.given.length;
    await road.clock.pass(1000);
    expect(road.given.indexOf(demand) - done).toBeLessThanOrEqual(1);
    expect(demand.givenAtMs).toBeLessThanOrEqual(1200);
  });

  it('give what is above nearly all, and those below a sixteenth of each limit', async () => {
    const road = new Road();
    road.pacer.source.setRate(16 * MIB);
    const store = road.pacer.limit(8 * MIB);
    road.stream([store], 'background', 64 * KIB, { width: 4 });
    road.stream([store], 'normal', MIB, { width: 4 });
    road.stream([store], 'demand', MIB, { width: 4 });
    await road.clock.pass(100_000);
    const rate = (lane: string) => road.bytes((take) => take.lane === lane) / 100 / MIB;
    expect(rate('background')).toBeCloseTo(0.5, 1);
    expect(rate('normal')).toBeCloseTo(0.5, 1);
    expect(rate('demand')).toBeCloseTo(7, 0);
  });

  it('lose no share to one that came before and is paused', async () => {
    const road = new Road();
    road.pacer.source.setRate(16 * MIB);
    const paused = road.pacer.limit();
    paused.pause();
    road.take([paused], 'background', MIB);
    road.stream([], 'background', MIB, { width: 2 });
    road.stream([], 'demand', MIB, { width: 2 });
    await road.clock.pass(60_000);
    expect(road.bytes(({ lane }) => lane === 'background') / 60 / MIB).toBeCloseTo(1, 0);
  });

  it('leave what is not used to those below', async () => {
    const road = new Road();
    road.pacer.source.setRate(16 * MIB);
    road.stream([road.pacer.limit(2 * MIB)], 'demand', MIB);
    road.stream([], 'background', MIB, { width: 2 });
    await road.clock.pass(60_000);
    expect(road.bytes(({ lane }) => lane === 'background') / 60 / MIB).toBeCloseTo(14, 0);
  });

  it('can be changed for what waits', async () => {
    const road = new Road();
    road.pacer.source.setRate(MIB);
    for (let index = 0; index < 10; index++) road.take([], 'normal', MIB);
    const pace = road.stream([], 'background', 512 * KIB);
    await road.clock.pass(3100);
    // The share it has, whatever is before it.
    expect(road.bytes(({ lane }) => lane === 'background')).toBe(512 * KIB);
    pace.setLane('demand');
    const { length } = road.given;
    await road.clock.pass(2000);
    expect(road.given.slice(length).map(({ bytes }) => bytes)).toEqual(
      Array.from({ length: road.given.length - length }, () => 512 * KIB),
    );
  });
});

describe('who gets to the head of the line need not wait until others have had their chance', () => {
  /** At its head, one that waits for its slow job. */
  function blocked() {
    const road = new Road();
    road.pacer.source.setRate(MIB);
    const slow = road.pacer.limit(KIB);
    const [, head] = [0, 1].map(() => road.take([slow], 'normal', MIB));
    return { road, head };
  }

  it('as the one before leaves', async () => {
    const { road, head } = blocked();
    const next = road.take([], 'normal', MIB);
    await road.clock.pass(500);
    head?.stop.abort();
    await road.clock.pass(3000);
    expect(Math.floor(next.givenAtMs ?? 0)).toBe(1000);
  });

  it('as its lane changes', async () => {
    const { road } = blocked();
    const pace = road.stream([], 'background', MIB);
    await road.clock.pass(500);
    // Its share of the source, when nobody had got any.
    expect(road.given.map(({ lane }) => lane)).toEqual(['normal', 'background']);
    pace.setLane('demand');
    await road.clock.pass(1600);
    expect(road.given.map(({ givenAtMs }) => givenAtMs)).toEqual([0, 0, 2000]);
  });
});

describe('a take', () => {
  it('that is given up leaves the line, with the reason it was given', async () => {
    const road = new Road();
    road.pacer.source.setRate(MIB);
    const [, second, third] = [0, 1, 2].map(() => road.take([], 'normal', MIB));
    await road.clock.pass(1);
    second?.stop.abort(new Refusal('UNAVAILABLE', 'the source is stopping'));
    expect(third?.givenAtMs).toBeUndefined();
    await road.clock.pass(1000);
    expect(second?.rejectedWith).toMatchObject({ code: 'UNAVAILABLE' });
    // As if the second had never been there; timers are up to a millisecond late.
    expect(third?.givenAtMs).toBeGreaterThanOrEqual(1000);
    // What was given cannot be given up any more.
    third?.stop.abort();
    await road.clock.pass(0);
    expect(third?.rejectedWith).toBeUndefined();
  });

  it('is not even begun when it was given up before', async () => {
    const { pacer } = new Road();
    const taken = pacer.pace([], 'normal').take(1, AbortSignal.abort());
    await expect(taken).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(pacer.waiting).toBe(0);
  });

  it('is refused while too many wait', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer({ clock, maxWaiting: 2 });
    pacer.source.pause();
    const pace = pacer.pace([], 'normal');
    const waiting = [pace.take(1, forever), pace.take(1, forever)];
    await expect(pace.take(1, forever)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    pacer.source.resume();
    await Promise.all(waiting);
    await pace.take(1, forever);
  });

  it.each([-1, 0.5, Number.NaN, MAX_TAKE_BYTES + 1])('of %d bytes is a fault', async (bytes) => {
    const { pacer } = new Road();
    await expect(pacer.pace([], 'normal').take(bytes, forever)).rejects.toThrow(RangeError);
  });
});
