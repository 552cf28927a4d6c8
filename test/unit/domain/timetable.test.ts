import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../../src/domain/rate.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { Timetable } from '../../../src/domain/timetable.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const WORKING_HOURS = 'Mon-Fri 08:00 20M, 18:00 200M, Sat-Sun off';

/** Friday. */
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

describe('a timetable', () => {
  it.each([
    ['20T07:59:59.999', 200 * MIB],
    ['20T08:00', 20 * MIB],
    ['20T17:59:59.999', 20 * MIB],
    ['20T18:00', 200 * MIB],
    ['20T23:59:59.999', 200 * MIB],
    ['21T00:00', UNLIMITED],
    ['22T23:59', UNLIMITED],
    // Until the next rule, though that is on another day.
    ['23T07:59', UNLIMITED],
    ['23T08:00', 20 * MIB],
    ['24T07:59', 200 * MIB],
  ])('for working hours says at %s: %d', (time, rate) => {
    expect(Timetable.parse(WORKING_HOURS).rateAt(at(time))).toBe(rate);
  });

  it.each([
    ['20M', 20 * MIB],
    ['512k', 512 * KIB],
    ['1.5G', 1536 * MIB],
    ['0.001G', 1_073_742],
    ['2048B', 2048],
    ['off', UNLIMITED],
    ['OFF in Europe/Berlin', UNLIMITED],
    ['5M, 08:00 5M', 5 * MIB],
  ])('%j is the same always', (text, rate) => {
    const timetable = Timetable.parse(text);
    expect([timetable.rateAt(at('20T12:00')), timetable.nextChangeAtMs(at('20T12:00'))]).toEqual([
      rate,
      undefined,
    ]);
  });

  it.each([
    ['02:30 1M, 20:00 2M', '2026-10-24T17:59:59', '2026-10-24T18:00'],
    // Clocks are turned back from 03:00 to 02:00: 02:30 comes twice, and between them what holds at 02:00.
    ['02:30 1M, 20:00 2M', '2026-10-24T18:00', '2026-10-25T00:30'],
    ['02:30 1M, 20:00 2M', '2026-10-25T00:30', '2026-10-25T01:00'],
    ['02:30 1M, 20:00 2M', '2026-10-25T01:00', '2026-10-25T01:30'],
    ['03:00 1M, 20:00 2M', '2026-10-24T18:00', '2026-10-25T02:00'],
    // They are turned forward from 02:00: what begins at 02:30 does so at 03:00.
    ['02:30 1M, 20:00 2M', '2026-03-28T19:00', '2026-03-29T01:00'],
    ['02:30 1M, 20:00 2M', '2026-03-29T01:00', '2026-03-29T18:00'],
    // Nothing changes at 12:00.
    ['08:00 1M, 12:00 1M, 18:00 2M', '2026-11-20T07:00', '2026-11-20T17:00'],
    ['08:00 1M, 12:00 1M, 18:00 2M', '2026-11-20T12:00', '2026-11-20T17:00'],
  ])('%j in Berlin changes next after %s at %s', (text, from, to) => {
    const next = Timetable.parse(`${text} in Europe/Berlin`).nextChangeAtMs(Date.parse(`${from}Z`));
    expect(new Date(next ?? 0).toISOString()).toBe(`${to}:00.000Z`);
  });

  it('passes over a rule that begins and ends in an hour that is left out', () => {
    const timetable = Timetable.parse('Sun 02:15 1M, 02:45 2M in Europe/Berlin');
    const next = timetable.nextChangeAtMs(Date.parse('2026-03-25T00:00Z')) ?? 0;
    expect(new Date(next).toISOString()).toBe('2026-04-05T00:15:00.000Z');
  });

  it.each([
    [WORKING_HOURS, WORKING_HOURS],
    [' 20m ', '20M'],
    ['1024K in utc', '1M'],
    ['mon tue wed 8:05 1.50m,0:00 OFF in europe/berlin', 'Mon-Wed 08:05 1.5M, 00:00 off in Europe/Berlin'],
    ['Fri-Mon 00:00 1M,Tue-Thu 2M', 'Mon Fri-Sun 1M, Tue-Thu 2M'],
    ['Mon-Sun 08:00 1M, Mon-Sun 18:00 2M', '08:00 1M, 18:00 2M'],
    ['Mon-Sun 08:00 1M, Sat off', 'Mon-Sun 08:00 1M, Sat off'],
    ['1.234G, 08:00 1025B', '1.234G, 08:00 1.001K'],
    ['1100011B', '1100011B'],
    ['1M in Europe/Kyiv', '1M in Europe/Kyiv'],
  ])('%j is written %j', (text, canonical) => {
    expect(String(Timetable.parse(text))).toBe(canonical);
  });
});

describe('what is no timetable is refused where it is wrong:', () => {
  it.each([
    ['', 'column 1: its end comes where a rate is missing', '20M'],
    ['Mon-Fri', 'column 8: its end comes where a rate is missing', '20M'],
    ['Mon 1M,', 'column 8: its end comes where a rate is missing', '20M'],
    ['08:00 1M,, 2M', "column 10: ',' comes where a rate is missing", '20M'],
    ['Mon in Europe/Berlin', "column 5: 'in' comes where a rate is missing", '20M'],
    ['Mon 25:00 1M', "column 5: '25:00' is no time of day", '23:59'],
    ['Mon 24:00 1M', "column 5: '24:00' is no time of day", '23:59'],
    ['Mon 8:0 1M', "column 5: '8:0' is no time of day", '23:59'],
    ['Mon-Fry 1M', "column 1: 'Mon-Fry' is no day", 'Mon Tue Wed'],
    ['Monday 1M', "column 1: 'Monday' is no day", 'Mon Tue Wed'],
    ['Mon-Tue-Wed 1M', "column 1: 'Mon-Tue-Wed' is no day", 'Mon Tue Wed'],
    ['20', "column 1: '20' is no rate", '512K'],
    ['08:00 20MB', "column 7: '20MB' is no rate", '512K'],
    ['20Mbit', "column 1: '20Mbit' is no rate", '100 Mbit/s are 11.9M'],
    ['-1M', "column 1: '-1M' is no rate", '512K'],
    ['0K', "column 1: '0K' is less than 1K", 'entrepot store pause'],
    ['1000001G', "column 1: '1000001G' is more than 1000000G", '512K'],
    ['08:00 1M 09:00 2M', "column 10: '09:00' is too much", "as in 'Mon-Fri"],
    ['1M in Europe/Berlin 2M', "column 21: '2M' is too much", "as in 'Mon-Fri"],
    ['08:00 1M, Sat off', "column 11: 'Sat' names days, but the rules before are for every day", 'Mon-Sun'],
    ['Mon 1M, Sun-Tue 0:00 2M', "column 9: 'Sun-Tue' begins a second rule for Mon 00:00", 'one rule only'],
    [
      '1M, 2M',
      "column 5: '2M' begins a second rule for Mon 00:00: the first is at column 1",
      'one rule only',
    ],
    ['1M in', 'column 6: its end is no time zone', 'Europe/Berlin'],
    ['1M in Mars', "column 7: 'Mars' is no time zone", 'Europe/Berlin'],
    ['1M in +01:00', "column 7: '+01:00' is no time zone", 'Europe/Berlin'],
    [`1M in ${'x'.repeat(99)}`, `column 7: '${'x'.repeat(32)}...' is no time zone`, 'Europe/Berlin'],
  ])('%j', (text, message, hint) => {
    const refusal = refusalOf(text);
    expect(refusal.code).toBe('INVALID');
    expect(refusal.message).toContain(`timetable, ${message}`);
    expect(refusal.hint).toContain(hint);
  });

  it('one that is too long', () => {
    expect(refusalOf('1M '.repeat(500)).message).toBe('a timetable has at most 1024 characters, not 1500');
  });

  it('whatever the text, by a Refusal or not at all', () => {
    const words = fc.constantFrom(
      'Mon',
      'Fri-Mon',
      '08:00',
      '24:00',
      '20M',
      'off',
      ',',
      'in',
      'UTC',
      '-',
      '\u0000',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(words).map((some) => some.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          Timetable.parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
    );
  });
});

function refusalOf(text: string): Refusal {
  try {
    Timetable.parse(text);
  } catch (error) {
    return error as Refusal;
  }
  return expect.fail(`${text} is taken`);
}
