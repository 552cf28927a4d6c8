import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES, type Lane } from '../../../src/domain/lane.ts';
import { UNLIMITED } from '../../../src/domain/rate.ts';
import { MAX_TAKE_BYTES } from '../../../src/pacing/bucket.ts';
import type { Limit } from '../../../src/pacing/limit.ts';
import { Road, type Take } from './road.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The whole source, two stores, two jobs. */
const LIMITS = ['source', 'dcn0', 'dcn1', 'import', 'copy'] as const;
type Name = (typeof LIMITS)[number];

const STREAMS: readonly (readonly Name[])[] = [
  [],
  ['dcn0'],
  ['dcn1'],
  ['dcn0', 'import'],
  ['dcn1', 'import'],
  ['dcn0', 'copy'],
  ['dcn1', 'copy'],
];

type Step =
  | { readonly do: 'take'; readonly names: readonly Name[]; readonly lane: Lane; readonly bytes: number }
  | { readonly do: 'abort'; readonly index: number }
  | { readonly do: 'rate'; readonly name: Name; readonly rate: number }
  | { readonly do: 'pause' | 'resume'; readonly name: Name }
  | { readonly do: 'pass'; readonly ms: number };

const rates = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 64 * KIB, max: 200 * MIB }) },
  { weight: 1, arbitrary: fc.constant(UNLIMITED) },
);
const sizes = fc.oneof(fc.integer({ min: 1, max: 64 * KIB }), fc.integer({ min: 1, max: MAX_TAKE_BYTES }));
const name = fc.constantFrom(...LIMITS);
const lane = fc.constantFrom(...LANES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      names: fc.constantFrom(...STREAMS),
      lane,
      bytes: sizes,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), index: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rate' as const), name, rate: rates }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(400) }) },
);
const plans = fc.record({
  rates: fc.tuple(rates, rates, rates, rates, rates),
  lateMs: fc.constantFrom(0, 0, 3, 40),
  steps: fc.array(step, { minLength: 10, maxLength: 120 }),
});

/** The rates a limit had: from when on, and which. */
type History = { readonly fromMs: number; readonly rate: number }[];

interface Run {
  readonly road: Road;
  readonly takes: readonly Take[];
  readonly histories: ReadonlyMap<Limit, History>;
}

function limitsOf({ pacer }: Road): ReadonlyMap<Name, Limit> {
  return new Map(LIMITS.map((each) => [each, each === 'source' ? pacer.source : pacer.limit()]));
}

/** Plays a plan, then lets everything that still waits through. */
async function play(plan: typeof plans extends fc.Arbitrary<infer T> ? T : never): Promise<Run> {
  const road = new Road();
  road.clock.lateMs = plan.lateMs;
  const limits = limitsOf(road);
  const histories = new Map<Limit, History>([...limits.values()].map((limit) => [limit, []]));
  const get = (each: Name) => limits.get(each) as Limit;
  const change = (each: Name, how: (limit: Limit) => void) => {
    how(get(each));
    histories.get(get(each))?.push({ fromMs: road.clock.nowMs(), rate: get(each).rate });
  };
  LIMITS.forEach((each, index) => {
    change(each, (limit) => limit.setRate(plan.rates[index] as number));
  });
  const takes: Take[] = [];
  for (const each of plan.steps) {
    if (each.do === 'take') takes.push(road.take(each.names.map(get), each.lane, each.bytes));
    else if (each.do === 'abort') takes[each.index % Math.max(1, takes.length)]?.stop.abort();
    else if (each.do === 'rate') change(each.name, (limit) => limit.setRate(each.rate));
    else if (each.do === 'pass') await road.clock.pass(each.ms);
    else change(each.name, (limit) => limit[each.do]());
    // Whoever was let through says so before anything else happens.
    await road.clock.pass(0);
  }
  for (const each of LIMITS) change(each, (limit) => limit.resume());
  await road.clock.pass(24 * 3600_000);
  return { road, takes, histories };
}

/** What may pass from then to then. */
function allowance(history: History, fromMs: number, toMs: number): number {
  let bytes = 0;
  let burst = 0;
  history.forEach(({ fromMs: startMs, rate }, index) => {
    const endMs = history[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const lengthMs = Math.min(endMs, toMs) - Math.max(startMs, fromMs);
    if (lengthMs < 0) return;
    if (rate === UNLIMITED) bytes = UNLIMITED;
    else {
      bytes += (rate * lengthMs) / 1000;
      burst = Math.max(burst, rate * 0.1);
    }
  });
  return bytes + burst + 4 * MAX_TAKE_BYTES;
}

describe('whatever is asked for, changed, paused and given up', () => {
  it('no limit lets more pass than its rate, over any time, and its burst', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { road, histories } = await play(plan);
        for (const [limit, history] of histories) {
          const mine = road.given.filter(({ limits }) => limits.includes(limit));
          mine.forEach((first, index) => {
            let sum = 0;
            for (const last of mine.slice(index)) {
              sum += last.bytes;
              const allowed = allowance(history, first.givenAtMs as number, last.givenAtMs as number);
              if (sum > allowed + 1) expect.fail(`${sum} bytes where ${allowed} are allowed`);
            }
          });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('nothing passes what is paused', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { road, histories } = await play(plan);
        for (const { limits, givenAtMs } of road.given) {
          for (const limit of limits) {
            // Whatever it was at that moment, before or after a change in it.
            const rates = (histories.get(limit) ?? []).filter(({ fromMs }, index, all) => {
              const endMs = all[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
              return fromMs <= (givenAtMs as number) && (givenAtMs as number) <= endMs;
            });
            expect(Math.max(...rates.map(({ rate }) => rate))).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('everybody gets what was asked for, once, or gave it up', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { road, takes } = await play(plan);
        expect([road.pacer.waiting, road.clock.timers]).toEqual([0, 0]);
        for (const { givenAtMs, rejectedWith, stop } of takes) {
          expect(givenAtMs === undefined).toBe(rejectedWith !== undefined);
          if (rejectedWith !== undefined) expect(stop.signal.aborted).toBe(true);
        }
        expect(new Set(road.given).size).toBe(road.given.length);
      }),
      { numRuns: 60 },
    );
  });

  it('in a lane, nobody goes before an earlier one whose limits are among its own', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { road, takes } = await play(plan);
        const rank = new Map(road.given.map((take, index) => [take, index]));
        takes.forEach((early, index) => {
          if (early.givenAtMs === undefined) return;
          for (const late of takes.slice(index + 1)) {
            const comparable =
              late.lane === early.lane && early.limits.every((limit) => late.limits.includes(limit));
            if (comparable && late.givenAtMs !== undefined) {
              expect(rank.get(early)).toBeLessThan(rank.get(late) as number);
            }
          }
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a line that never gets empty', () => {
  it('gets its rate to the millisecond, and who gave up is charged nothing', async () => {
    const takes = fc.array(fc.record({ bytes: sizes, givesUp: fc.boolean() }), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 64 * KIB, max: 50 * MIB }), takes, async (rate, plan) => {
        const road = new Road();
        road.pacer.source.setRate(rate);
        const asked = plan.map(({ bytes }) => road.take([], 'normal', bytes));
        // All but the first wait, and half of those leave at different moments.
        for (const [index, { givesUp }] of plan.entries()) {
          if (givesUp && index > 0) asked[index]?.stop.abort();
          await road.clock.pass(1);
        }
        await road.clock.pass(3600_000);
        let before = 0;
        for (const { bytes, givenAtMs } of road.given) {
          const dueMs = (before / rate) * 1000;
          expect(givenAtMs).toBeGreaterThanOrEqual(dueMs - 0.001);
          expect(givenAtMs).toBeLessThanOrEqual(dueMs + 1.001);
          before += bytes;
        }
        // One timer for each at most, and a second one where it ended a rounding too early.
        expect(road.clock.woken).toBeLessThanOrEqual(2 * plan.length);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps nobody who is the first of a lane waiting longer than the guarantee, whoever else is busy', async () => {
    const streams = fc.record({
      names: fc.constantFrom(...STREAMS),
      lane,
      bytes: fc.integer({ min: 32 * KIB, max: MAX_TAKE_BYTES }),
      width: fc.integer({ min: 1, max: 3 }),
    });
    const settings = fc.record({
      rates: fc.array(fc.integer({ min: 4 * MIB, max: 20 * MIB }), {
        minLength: LIMITS.length,
        maxLength: LIMITS.length,
      }),
      busy: fc.array(streams, { maxLength: 10 }),
      names: fc.constantFrom(...STREAMS),
      lane,
    });
    let longestTakes = 0;
    await fc.assert(
      fc.asyncProperty(settings, async ({ rates: itsRates, busy, names, lane: itsLane }) => {
        const road = new Road();
        const limits = limitsOf(road);
        LIMITS.forEach((each, index) => {
          limits.get(each)?.setRate(itsRates[index] as number);
        });
        const get = (each: Name) => limits.get(each) as Limit;
        // What was in its lane has had its share when it comes, and goes on behind it.
        const before = new AbortController();
        const [same, others] = [true, false].map((is) =>
          busy.filter((each) => (each.lane === itsLane) === is),
        );
        const start = (streams: typeof same, stop = new AbortController()) => {
          for (const { names: of, lane: its, bytes, width } of streams ?? []) {
            road.stream(of.map(get), its, bytes, { width, stop });
          }
        };
        start(same, before);
        await road.clock.pass(300);
        start(others);
        await road.clock.pass(700);
        before.abort();
        const take = road.take(names.map(get), itsLane, MAX_TAKE_BYTES);
        start(same);
        const tightest = Math.min(...take.limits.map(({ rate }) => rate));
        const takeMs = (MAX_TAKE_BYTES / tightest) * 1000;
        await road.clock.pass(Math.ceil(20 * takeMs) + 5);
        expect(take.givenAtMs).toBeDefined();
        longestTakes = Math.max(longestTakes, ((take.givenAtMs ?? 0) - take.askedAtMs) / takeMs);
      }),
      { numRuns: 30 },
    );
    // Somebody had to wait for a share, or this has shown nothing.
    expect(longestTakes).toBeGreaterThan(4);
  });
});
