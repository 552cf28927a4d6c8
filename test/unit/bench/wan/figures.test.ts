import { describe, expect, test } from 'vitest';
import { parseDevice, parseRetransmits, properSeconds } from '../../../../bench/wan/counters.ts';
import { parseLink } from '../../../../bench/wan/link-spec.ts';
import { settingsText, summarise, summaryTable } from '../../../../bench/wan/report.ts';
import { type Run, turned } from '../../../../bench/wan/runner.ts';

const MIB = 2 ** 20;

function run(method: string, wallSeconds: number, more: Partial<Run> = {}): Run {
  return {
    link: '1gbit/20ms',
    method,
    round: 0,
    dataBytes: 512 * MIB,
    wallSeconds,
    wholeShare: 4 / wallSeconds,
    properShare: 5 / wallSeconds,
    linkBytes: 520 * MIB,
    agentBytes: 512 * MIB,
    sentAgain: 7,
    packets: undefined,
    cpuSeconds: { 'agent central': 1, hub: 0.5 },
    osdCpuSeconds: 0,
    peakBytes: {},
    othersShare: 0,
    isDisturbed: false,
    ...more,
  };
}

describe('what Linux counts', () => {
  test('on an interface, whose name may be the end of another', () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
 mywan: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
   wan:123456789 2 3 4 5 6 7 8 987 10 11 12 13 14 15 16
`;
    expect(parseDevice(text, 'wan')).toEqual({ received: 123_456_789, sent: 987 });
    expect(() => parseDevice(text, 'eth0')).toThrow('no interface eth0');
  });

  test('of TCP', () => {
    const text =
      'Ip: Forwarding\nIp: 1\nTcp: RtoMin MaxConn RetransSegs InErrs\nTcp: 200 -1 42 3\nUdp: X\nUdp: 1\n';
    expect(parseRetransmits(text)).toBe(42);
  });
});

describe('the time of the transfer proper', () => {
  test('is the pace of the middle, times all of it', () => {
    // A second of nothing, 10 s of 100 bytes a second, a second of nothing.
    const samples = Array.from({ length: 121 }, (_, index) => ({
      atMs: index * 100,
      bytes: 5000 + Math.min(1000, Math.max(0, index - 10) * 10),
    }));
    expect(properSeconds(samples)).toBeCloseTo(10, 5);
  });

  test('is not made longer by a byte long before and a byte long after', () => {
    const samples = [
      { atMs: 0, bytes: 0 },
      { atMs: 1000, bytes: 1 },
      { atMs: 5000, bytes: 1 },
      { atMs: 7000, bytes: 999 },
      { atMs: 60_000, bytes: 1000 },
    ];
    expect(properSeconds(samples)).toBeCloseTo(2, 1);
  });

  test('is not a number when nothing came', () => {
    expect(properSeconds([])).toBeNaN();
    expect(
      properSeconds([
        { atMs: 0, bytes: 5 },
        { atMs: 9, bytes: 5 },
      ]),
    ).toBeNaN();
  });
});

test('each round begins with another method', () => {
  expect([0, 1, 2, 3].map((round) => turned(['a', 'b', 'c'], round).join(''))).toEqual([
    'abc',
    'bca',
    'cab',
    'abc',
  ]);
  expect(turned([], 1)).toEqual([]);
});

describe('a summary', () => {
  test('is of one method on one link, in medians', () => {
    const runs = [
      run('pull', 10),
      run('pull', 20, { agentBytes: undefined }),
      run('pull', 40),
      run('push', 1),
      run('pull', 1, { link: '1gbit/80ms' }),
    ];
    expect(summarise(runs, '1gbit/20ms', 'pull')).toEqual({
      link: '1gbit/20ms',
      method: 'pull',
      runs: 3,
      isDisturbed: false,
      wallSeconds: { median: 20, min: 10, max: 40 },
      wholeShare: 0.2,
      properShare: 0.25,
      dataBytes: 512 * MIB,
      linkBytes: 520 * MIB,
      agentBytes: 512 * MIB,
      sentAgain: 7,
      clientCpuPerGib: 3,
    });
    expect(summarise(runs, '1gbit/20ms', 'ssh')).toBeUndefined();
  });

  test('leaves out what was disturbed, unless there is nothing else', () => {
    const runs = [
      run('pull', 10),
      run('pull', 99, { isDisturbed: true }),
      run('push', 98, { isDisturbed: true }),
    ];
    expect(summarise(runs, '1gbit/20ms', 'pull')).toMatchObject({
      runs: 1,
      wallSeconds: { max: 10 },
      isDisturbed: false,
    });
    expect(summarise(runs, '1gbit/20ms', 'push')).toMatchObject({ runs: 1, isDisturbed: true });
  });

  test('is a row', () => {
    const summary = summarise([run('pull', 8, { isDisturbed: true })], '1gbit/20ms', 'pull');
    const text = summaryTable(summary === undefined ? [] : [summary], () => 'entrepot, pull');
    expect(text.split('\n').at(-2)?.replaceAll(/ +/g, ' ')).toBe(
      '| 1gbit/20ms | entrepot, pull | 1 | ~8.00 (8.00 to 8.00) | 50.0 | 62.5 | 512 | 512 | 520 | 1.02 | 7 | 3.00 |',
    );
  });
});

test('how it was set is told', () => {
  const tcp = { congestion: 'cubic', readBytes: 6 * MIB, writeBytes: 4 * MIB };
  const text = settingsText([parseLink('1gbit/80ms')], 'tun', tcp);
  expect(text).toContain('this kernel has no netem');
  expect(text).toContain('1gbit/80ms: 19 MiB');
  expect(text).toContain('cubic; at most 6 MiB of a connection to read, 4 MiB to write');
  expect(settingsText([], 'netem', tcp)).toContain('veth devices with netem');
});
