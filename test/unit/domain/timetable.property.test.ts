import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timetable } from '../../../src/domain/timetable.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const WEEK_MINUTES = 7 * 24 * 60;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Half of them turn their clocks, one by half an hour; two are not whole hours from UTC. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
  'Asia/Tokyo',
];

interface Sketch {
  /** By minute of the week: what begins there. Each rate is another one, so that it tells the rule. */
  readonly begins: ReadonlyMap<number, number>;
  readonly text: string;
  readonly zone: string;
}

/** Timetables with rules anywhere in the week, more often where clocks are turned. */
const minutes = fc.oneof(fc.nat(24 * 60 - 1), fc.constantFrom(0, 30, 60, 90, 119, 120, 121, 150, 179, 180));
const rules = fc.uniqueArray(fc.record({ day: fc.nat(6), minute: minutes }), {
  minLength: 1,
  maxLength: 12,
  selector: ({ day, minute }) => `${day} ${minute}`,
});
const sketches: fc.Arbitrary<Sketch> = fc.tuple(rules, fc.constantFrom(...ZONES)).map(([some, zone]) => {
  const time = (minute: number) => `${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`;
  const texts = some.map(({ day, minute }, index) => `${DAYS[day]} ${time(minute)} ${index + 1}M`);
  return {
    begins: new Map(some.map(({ day, minute }, index) => [day * 24 * 60 + minute, (index + 1) * MIB])),
    text: `${texts.join(', ')} in ${zone}`,
    zone,
  };
});

/** The rate of every minute of the week by the clocks on the wall, found by walking through it. */
function wallRates({ begins }: Sketch): number[] {
  const rates: number[] = [];
  let rate = 0;
  // The second time round, the rate of its end is known.
  for (let minute = 0; minute < 2 * WEEK_MINUTES; minute++) {
    rate = begins.get(minute % WEEK_MINUTES) ?? rate;
    rates[minute % WEEK_MINUTES] = rate;
  }
  return rates;
}

/** The minute of the week that clocks in a zone show. */
function wallClock(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (ms) => {
    const [, day = '', hour, minute] = /^(\w+),? (\d+):(\d+)$/.exec(format.format(ms)) ?? [];
    return (DAYS.indexOf(day) * 24 + Number(hour)) * 60 + Number(minute);
  };
}

/** A week each: clocks turned back in Europe, in America, forward in Europe, in Australia. */
const WEEKS = ['2026-10-20', '2026-10-27', '2026-03-23', '2026-10-01'].map((day) => Date.parse(day));

describe('whatever the rules and the zone', () => {
  it('every minute of two weeks has the rate of the one rule that its clocks say, and changes are where it changes', () => {
    fc.assert(
      fc.property(sketches, fc.constantFrom(...WEEKS), (sketch, startMs) => {
        const timetable = Timetable.parse(sketch.text);
        const rates = wallRates(sketch);
        const wall = wallClock(sketch.zone);
        let nextMs = timetable.nextChangeAtMs(startMs);
        let before = timetable.rateAt(startMs);
        for (let minute = 0; minute < 2 * WEEK_MINUTES; minute++) {
          const ms = startMs + minute * MINUTE_MS;
          const rate = timetable.rateAt(ms);
          if (rate !== rates[wall(ms)]) expect.fail(`${new Date(ms).toISOString()}: ${rate}`);
          if (minute > 0 && (rate !== before) !== (nextMs === ms)) {
            expect.fail(
              `${new Date(ms).toISOString()}: ${before} to ${rate}, a change is said for ${nextMs}`,
            );
          }
          if (nextMs === ms) nextMs = timetable.nextChangeAtMs(ms);
          before = rate;
        }
      }),
      { numRuns: 12 },
    );
  });

  it('the next change is the same from wherever before it one asks, and no moment sooner', () => {
    const moments = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) });
    fc.assert(
      fc.property(sketches, moments, fc.double({ min: 0, max: 1, noNaN: true }), (sketch, ms, part) => {
        const timetable = Timetable.parse(sketch.text);
        const next = timetable.nextChangeAtMs(ms);
        if (sketch.begins.size === 1) {
          expect(next).toBeUndefined();
          return;
        }
        if (next === undefined) return expect.fail('it changes');
        expect(next).toBeGreaterThan(ms);
        expect(timetable.rateAt(next)).not.toBe(timetable.rateAt(ms));
        expect(timetable.rateAt(next - 1)).toBe(timetable.rateAt(ms));
        const between = Math.min(next - 1, Math.floor(ms + (next - ms) * part));
        expect(timetable.rateAt(between)).toBe(timetable.rateAt(ms));
        expect(timetable.nextChangeAtMs(between)).toBe(next);
      }),
      { numRuns: 200 },
    );
  });

  it('its text parsed again is the same timetable', () => {
    const days = fc
      .tuple(fc.nat(6), fc.nat(6))
      .map(([a, b]) => (a === b ? `${DAYS[a]}` : `${DAYS[a]}-${DAYS[b]}`));
    const number = fc.tuple(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 999 }));
    const rate = fc.oneof(
      fc.constant('off'),
      fc
        .tuple(number, fc.constantFrom('K', 'M', 'G', 'k'))
        .map(([[whole, part], unit]) => `${whole}.${part}${unit}`),
      fc.integer({ min: 1024, max: 2 ** 45 }).map((bytes) => `${bytes}B`),
    );
    const time = minutes.map(
      (minute) => `${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`,
    );
    const rule = fc
      .tuple(fc.array(days, { maxLength: 2 }), fc.option(time, { nil: '' }), rate)
      .map(([some, when, what]) => [...some, when, what].join(' '));
    const texts = fc
      .tuple(fc.array(rule, { minLength: 1, maxLength: 4 }), fc.constantFrom(...ZONES))
      .map(([some, zone]) => `${some.join(' , ')} in ${zone}`);
    let parsed = 0;
    fc.assert(
      fc.property(texts, fc.array(fc.nat(2 * WEEK_MINUTES)), (text, after) => {
        let timetable: Timetable;
        try {
          timetable = Timetable.parse(text);
        } catch {
          // Two rules for one moment, or days named too late.
          return;
        }
        parsed += 1;
        const again = Timetable.parse(String(timetable));
        expect(String(again)).toBe(String(timetable));
        for (const minute of after) {
          const ms = Date.UTC(2026, 2, 20) + minute * MINUTE_MS;
          expect(again.rateAt(ms)).toBe(timetable.rateAt(ms));
          expect(again.nextChangeAtMs(ms)).toBe(timetable.nextChangeAtMs(ms));
        }
      }),
      { numRuns: 500 },
    );
    expect(parsed).toBeGreaterThan(100);
  });
});
