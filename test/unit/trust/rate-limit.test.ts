import { describe, expect, it } from 'vitest';
import { networkOf, RateLimit } from '../../../src/trust/rate-limit.ts';

const RATE = { perSecond: 10, burst: 3 };

describe('a rate', () => {
  it('allows its burst, then so many a second, and no more after a long pause', () => {
    let nowMs = 0;
    const limit = new RateLimit(() => nowMs);
    const taken = (count: number) =>
      Array.from({ length: count }, () => limit.take('alice', RATE)).filter(Boolean).length;
    expect(taken(5)).toBe(3);
    nowMs += 99;
    expect(taken(1)).toBe(0);
    nowMs += 1;
    expect(taken(2)).toBe(1);
    nowMs += 60_000;
    expect(taken(10)).toBe(3);
  });

  it('is that of each key', () => {
    const limit = new RateLimit(() => 0);
    for (let count = 0; count < 10; count++) limit.take('alice', RATE);
    expect(limit.take('alice', RATE)).toBe(false);
    expect(limit.take('bob', RATE)).toBe(true);
  });

  it('is remembered for who asks all the time, however many others come once', () => {
    const limit = new RateLimit(() => 0);
    for (let count = 0; count < 5000; count++) {
      limit.take('alice', RATE);
      limit.take(`somebody ${count}`, RATE);
    }
    expect(limit.take('alice', RATE)).toBe(false);
  });
});

describe('a network', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('of %j is %j', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
