import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DelayLine } from '../../../../bench/wan/delay-line.ts';
import { parseLink } from '../../../../bench/wan/link-spec.ts';

const never = () => 1;

/** A packet whose bytes tell its number. `undefined`: there was no room to read it to. */
function put(line: DelayLine, number: number, bytes: number, nowMs: number) {
  const slot = line.slot();
  if (slot === undefined) return undefined;
  slot.fill(number % 251, 0, bytes);
  return line.take(bytes, bytes, nowMs);
}

/** When each packet arrives that is in the line. */
function arrivals(line: DelayLine): number[] {
  const times: number[] = [];
  for (; line.dueAtMs !== Number.POSITIVE_INFINITY; line.drop()) times.push(line.dueAtMs);
  return times;
}

describe('a line', () => {
  test('without a shape gives what it takes at once', () => {
    const line = new DelayLine(undefined, () => 0);
    expect(put(line, 1, 1000, 5)).toBe('kept');
    expect(line.next).toEqual(Buffer.alloc(1000, 1));
    expect(arrivals(line)).toEqual([5]);
  });

  test('delays by half a round trip after what the rate asks for, one packet behind the other', () => {
    // 1,000 bytes a millisecond.
    const line = new DelayLine(parseLink('8mbit/20ms'), never);
    for (const number of [1, 2, 3]) put(line, number, 3000, 100);
    // The first ms is what an idle link has in hand.
    expect(arrivals(line)).toEqual([112, 115, 118]);
    put(line, 4, 3000, 200);
    expect(arrivals(line)).toEqual([212]);
  });

  test('never goes faster than its rate, however late it is served', () => {
    const line = new DelayLine(parseLink('8mbit/20ms'), never);
    for (let ms = 0; ms < 400; ms += 7) for (let count = 0; count < 10; count++) put(line, 0, 1000, ms);
    const times = arrivals(line);
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    // One packet of 1,000 bytes in each millisecond, and one more that the idle link had in hand.
    expect(times.length - 1).toBeLessThanOrEqual(span + 1);
    expect(times.length).toBeGreaterThan(390);
  });

  test('loses by chance, and what is lost has taken its time', () => {
    const chances = [0.5, 0.0009, 0.5];
    const line = new DelayLine(parseLink('8mbit/20ms/0.1%'), () => chances.shift() ?? 1);
    expect([1, 2, 3].map((number) => put(line, number, 3000, 100))).toEqual(['kept', 'lost', 'kept']);
    expect(arrivals(line)).toEqual([112, 118]);
  });

  test('drops what comes when its queue is full', () => {
    const line = new DelayLine(parseLink('8mbit/20ms'), never);
    // 512 KiB wait at most: 524 packets of 1,000 bytes, and what comes while the last of them is just too much.
    const fates = Array.from({ length: 600 }, (_, number) => put(line, number, 1000, 0));
    expect(fates.indexOf('overflowed')).toBeGreaterThanOrEqual(524);
    expect(fates.indexOf('overflowed')).toBeLessThanOrEqual(527);
    expect(fates).not.toContain(undefined);
    // When half of it has left there is room again.
    expect(put(line, 0, 1000, 260)).toBe('kept');
  });

  test('gives what it took, in order, over any number of rounds through its memory', () => {
    const step = fc.record({ bytes: fc.integer({ min: 20, max: 65_000 }), give: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 300, maxLength: 500 }), (steps) => {
        const line = new DelayLine(undefined);
        const held: { number: number; bytes: number }[] = [];
        for (const [number, { bytes, give }] of steps.entries()) {
          if (put(line, number, bytes, 0) === 'kept') held.push({ number, bytes });
          // It has room for 4 MiB: of 64 packets of the largest there are some that it has not got room for.
          else expect(held.length).toBeGreaterThan(50);
          // Full at first, and then nearly.
          for (let count = 0; number > 150 && count < give; count++) {
            const expected = held.shift();
            if (expected === undefined) break;
            expect(line.next.equals(Buffer.alloc(expected.bytes, expected.number % 251))).toBe(true);
            line.drop();
          }
        }
        for (const { number, bytes } of held) {
          expect(line.next.equals(Buffer.alloc(bytes, number % 251))).toBe(true);
          line.drop();
        }
        expect(line.dueAtMs).toBe(Number.POSITIVE_INFINITY);
      }),
      // A smaller example would tell no more, and takes minutes to be found.
      { numRuns: 20, endOnFailure: true },
    );
  });
});
