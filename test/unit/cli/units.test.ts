import { describe, expect, it } from 'vitest';
import { clipped } from '../../../src/cli/output/progress.ts';
import { RateMeter } from '../../../src/cli/output/rate.ts';
import { fields, table } from '../../../src/cli/output/table.ts';
import {
  formatBytes,
  formatDuration,
  formatRate,
  formatTime,
  percentOf,
  printable,
} from '../../../src/cli/output/units.ts';
import { NOON_MS } from './samples.ts';

describe('units', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1 MiB'],
    [100.6 * 1024 * 1024, '101 MiB'],
    [256 * 1024 ** 2, '256 MiB'],
    [1.25 * 1024 ** 3, '1.3 GiB'],
    [3 * 1024 ** 4, '3 TiB'],
    [5000 * 1024 ** 5, '5000 PiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59.5, '1 min 00 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 05 min'],
    [3 * 86_400 + 4 * 3600 + 59, '3 d 4 h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('shows no rate that is not known', () => {
    expect([undefined, 0, 1024 * 1024].map(formatRate)).toEqual(['', '0 B/s', '1 MiB/s']);
  });

  it('says 100 % of everything only', () => {
    expect([percentOf(0, 0), percentOf(0, 9), percentOf(999, 1000), percentOf(9, 9)]).toEqual([
      undefined,
      0,
      99,
      100,
    ]);
  });

  it('shows times in UTC, and nothing for never', () => {
    expect([formatTime(NOON_MS), formatTime(0)]).toEqual(['2026-11-20 12:00:00Z', '']);
  });

  it('sends nothing to a terminal that moves its cursor', () => {
    expect(printable('a\x1b[2J\n\u202eb\u009b')).toBe('a\\u001b[2J\\u000a\\u202eb\\u009b');
    expect(printable('Größe 日本')).toBe('Größe 日本');
  });
});

describe('a table', () => {
  it('aligns its columns and ends no line with blanks', () => {
    const columns = [{ header: 'NAME' }, { header: 'SIZE', align: 'right' as const }, { header: 'WHERE' }];
    const rows = [
      ['größe', '1 B', 'dcn0'],
      ['a', '100 MiB', ''],
    ];
    expect(table(columns, rows)).toBe(
      ['NAME      SIZE  WHERE\n', 'größe      1 B  dcn0\n', 'a      100 MiB\n'].join(''),
    );
  });

  it('leaves fields without a value out', () => {
    expect(
      fields([
        ['id', 'x'],
        ['reason', ''],
        ['status', 'active'],
      ]),
    ).toBe('id      x\nstatus  active\n');
  });
});

it('cuts a line to the width of the terminal', () => {
  expect([clipped('größer', 6), clipped('größer', 5), clipped('größer', 0)]).toEqual([
    'größer',
    'größ…',
    '…',
  ]);
});

describe('a rate', () => {
  it('is that of the last seconds', () => {
    let nowMs = 0;
    const meter = new RateMeter(() => nowMs);
    meter.record(0);
    expect([meter.bytesPerSecond, meter.remainingSeconds(100)]).toEqual([undefined, undefined]);
    for (let second = 1; second <= 10; second++) {
      nowMs = second * 1000;
      meter.record(second * 100);
    }
    expect(meter.bytesPerSecond).toBe(100);
    // It stops, and nothing is said any more: five seconds later nothing is left of the old rate.
    nowMs = 15_000;
    expect([meter.bytesPerSecond, meter.remainingSeconds(2000)]).toEqual([0, undefined]);
  });

  it('gives the time left', () => {
    let nowMs = 0;
    const meter = new RateMeter(() => nowMs);
    meter.record(0);
    nowMs = 1000;
    meter.record(100);
    expect(meter.remainingSeconds(300)).toBe(2);
  });
});
