import { describe, expect, test } from 'vitest';
import type { Job, JobSpec, Task, TaskKind } from '../../../src/domain/job.ts';
import type { RefusalCode } from '../../../src/domain/refusal.ts';
import { delayMs, judge } from '../../../src/queue/retry.ts';

const POLICY = { maxAttempts: 3, firstDelayMs: 1000, maxDelayMs: 8000, uploadKeepMs: 60_000 };
const COPY: JobSpec = { kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false };
const IMPORT: JobSpec = {
  kind: 'import',
  source: { method: 'upload' },
  entryStoreId: 'dcn0',
  sizeBytes: 1,
  storeIds: [],
  allMustSucceed: false,
};
const DELETE: JobSpec = { kind: 'delete' };
const DELETE_COPY: JobSpec = { kind: 'delete-copy', storeId: 'dcn0' };

/** `again`: however often it takes; `counted`: until the limit; `over`: not once more. */
function judged(kind: TaskKind, spec: JobSpec, code: RefusalCode, failures = 0, isToCentral = false): string {
  const reason = { code, message: code };
  const verdict = judge({ kind, failures } as Task, { spec } as Job, reason, POLICY, isToCentral);
  if (!verdict.again) return 'over';
  return verdict.counts ? 'counted' : 'again';
}

describe('a failed attempt', () => {
  test.each<[RefusalCode, string, string, string, string]>([
    //                   copy        to central  delete-copy ingest
    ['UNAVAILABLE', '    again', '   again', '   again', '   counted'],
    ['TIMEOUT', '        again', '   again', '   again', '   counted'],
    ['RATE_LIMITED', '   again', '   again', '   again', '   counted'],
    ['CORRUPT', '        counted', ' again', '   counted', ' over'],
    ['INTERNAL', '       counted', ' again', '   counted', ' over'],
    // A ticket or a certificate that ran out.
    ['UNAUTHENTICATED', 'counted', ' again', '   counted', ' over'],
    ['FORBIDDEN', '      counted', ' again', '   counted', ' over'],
    ['NO_SPACE', '       over', '    again', '   counted', ' over'],
    ['CANCELLED', '      over', '    over', '    counted', ' over'],
    ['INVALID', '        over', '    over', '    counted', ' over'],
    ['IN_USE', '         over', '    over', '    over', '    over'],
  ])('%s', (code, copy, toCentral, deleteCopy, ingest) => {
    expect(judged('copy', COPY, code)).toBe(copy.trim());
    expect(judged('copy', IMPORT, code, 0, true)).toBe(toCentral.trim());
    expect(judged('delete', DELETE_COPY, code)).toBe(deleteCopy.trim());
    expect(judged('ingest', IMPORT, code)).toBe(ingest.trim());
    // What has no way back is tried until it is done.
    expect(judged('delete', DELETE, code)).toBe('again');
    expect(judged('delete', COPY, code)).toBe('again');
  });

  test('counts against the limit of attempts', () => {
    expect([0, 1, 2, 3].map((failures) => judged('copy', COPY, 'CORRUPT', failures))).toEqual([
      'counted',
      'counted',
      'over',
      'over',
    ]);
    expect(judged('copy', COPY, 'RATE_LIMITED', 99)).toBe('again');
  });
});

test('the delay doubles up to its ceiling, and half of it is chance', () => {
  const delays = (chance: number) =>
    [1, 2, 3, 4, 5, 99].map((attempt) => delayMs(attempt, POLICY, () => chance));
  expect(delays(1)).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
  expect(delays(0)).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
});

test.each<[RefusalCode, string]>([
  ['UNAVAILABLE', 'counted'],
  ['TIMEOUT', 'counted'],
  ['RATE_LIMITED', 'counted'],
  ['CORRUPT', 'counted'],
  ['INTERNAL', 'counted'],
  // The file on the server changed while it was fetched.
  ['CONFLICT', 'counted'],
  ['INVALID', 'over'],
  ['NOT_FOUND', 'over'],
  ['FORBIDDEN', 'over'],
  ['UNSUPPORTED', 'over'],
  ['NO_SPACE', 'over'],
  ['CANCELLED', 'over'],
])('an import of what is still where it was, which failed by %s, is tried again: %s', (code, verdict) => {
  const sources = [
    { method: 'glance-direct' },
    { method: 'web-download', uri: 'http://x/y' },
    { method: 'adopt', pool: 'p', image: 'i', move: true },
  ] as const;
  for (const source of sources) {
    const spec: JobSpec = { ...IMPORT, source };
    expect(judged('ingest', spec, code, 0, true)).toBe(verdict);
    // A server that is away for good does not keep an image waiting for ever.
    expect(judged('ingest', spec, code, POLICY.maxAttempts - 1, true)).toBe('over');
  }
});

test.each<[RefusalCode, boolean]>([
  ['UNAVAILABLE', true],
  ['TIMEOUT', true],
  ['RATE_LIMITED', true],
  ['CORRUPT', false],
  ['INTERNAL', false],
  ['CONFLICT', false],
  ['NO_SPACE', false],
  ['CANCELLED', false],
])('an upload that failed by %s is kept for its operator: %s', (code, isKept) => {
  for (const [kind, spec] of [
    ['ingest', IMPORT],
    ['stage', { kind: 'stage', storeId: 'central', sizeBytes: 1 }],
  ] as const) {
    const judge1 = (failures: number, uploadKeepMs: number) =>
      judge(
        { kind, failures } as Task,
        { spec } as Job,
        { code, message: code },
        { ...POLICY, uploadKeepMs },
        true,
      );
    expect(judge1(0, 60_000)).toEqual(
      isKept ? { again: true, counts: true, afterMs: 60_000 } : { again: false },
    );
    // Nobody came meanwhile, or nothing is to be kept.
    expect(judge1(1, 60_000)).toEqual({ again: false });
    expect(judge1(0, 0)).toEqual({ again: false });
  }
});
