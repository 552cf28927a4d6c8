import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEAD_BYTES, TAIL_BYTES } from '../../../../src/image/inspect/probe.ts';
import { MAX_KEPT_BYTES, StreamWindow } from '../../../../src/image/inspect/stream-window.ts';
import { KIB, noise } from './files.ts';

const STREAM = noise(HEAD_BYTES + 200 * KIB);

/** Writes pieces of these lengths from `from` on, and calls `check` with the length of the stream so far. */
function feed(
  window: StreamWindow,
  lengths: readonly number[],
  check: (written: number) => void,
  from = 0,
): void {
  let written = from;
  for (const length of lengths) {
    const end = Math.min(written + length, STREAM.length);
    while (written < end) written += window.take(STREAM.subarray(written, end));
    check(written);
  }
}

const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(2000), fc.nat(100 * KIB)), { maxLength: 60 });

describe('a window on a stream', () => {
  test('shows the first bytes and the last, after every piece', () => {
    fc.assert(
      fc.property(lengths, (pieces) => {
        const window = new StreamWindow();
        feed(window, pieces, (written) => {
          expect(window.sizeBytes).toBe(written);
          const start = Math.max(0, written - TAIL_BYTES);
          expect(window.tail.equals(STREAM.subarray(start, written))).toBe(true);
          expect(window.head.equals(STREAM.subarray(0, Math.min(written, HEAD_BYTES)))).toBe(true);
          expect(window.keptBytes).toBeLessThanOrEqual(MAX_KEPT_BYTES);
        });
      }),
      { numRuns: 200 },
    );
  });

  test('shows the range that was asked for, as far as it came', () => {
    const range = fc.tuple(fc.nat(50 * KIB), fc.integer({ min: 1, max: 128 * KIB }));
    fc.assert(
      fc.property(range, lengths, ([behindHead, lengthBytes], pieces) => {
        const window = new StreamWindow();
        window.take(STREAM.subarray(0, HEAD_BYTES));
        const offset = HEAD_BYTES + behindHead;
        window.keep(offset, lengthBytes);
        const check = (written: number) => {
          const came = STREAM.subarray(offset, Math.max(offset, Math.min(written, offset + lengthBytes)));
          expect(window.far.equals(came)).toBe(true);
          expect(window.isFarFull).toBe(came.length === lengthBytes);
        };
        feed(window, pieces, check, HEAD_BYTES);
      }),
      { numRuns: 200 },
    );
  });
});
