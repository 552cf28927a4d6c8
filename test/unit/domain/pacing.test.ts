import { describe, expect, test } from 'vitest';
import { comesBefore, LANES } from '../../../src/domain/lane.ts';
import { hasPace, parsePaceRate } from '../../../src/domain/pace.ts';
import { heldBy, pausedStores, requirePaceable, waitingSentence } from '../../../src/domain/rules/index.ts';
import { job, STORES, verdict } from './picture.ts';

test('lanes come one before the other', () => {
  const pairs = LANES.flatMap((lane) =>
    LANES.map((other) => [lane, other, comesBefore(lane, other)] as const),
  );
  expect(pairs.filter(([, , before]) => before).map(([lane, other]) => `${lane} ${other}`)).toEqual([
    'demand normal',
    'demand background',
    'normal background',
  ]);
});

test.each([
  ['', undefined],
  ['  ', undefined],
  ['off', undefined],
  ['Mon-Fri OFF, Sat 12:00 off in Europe/Berlin', undefined],
  ['20m', '20M'],
  ['mon-fri 8:00 20M, 18:00 off', 'Mon-Fri 08:00 20M, 18:00 off'],
  ['1024K in UTC', '1M'],
])('the rate %j is kept as %j', (text, kept) => {
  expect(parsePaceRate(text)).toBe(kept);
});

test('what is no rate is refused, with a hint', () => {
  expect(verdict(() => parsePaceRate('fast'))).toBe('INVALID');
  expect(() => parsePaceRate('0M')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('pause') }),
  );
});

test('a job has a pace when anything of it is other than usual', () => {
  const usual = { rate: undefined, pausedAtMs: undefined, lane: 'normal' } as const;
  expect(hasPace(usual)).toBe(false);
  for (const change of [{ rate: '1M' }, { pausedAtMs: 0 }, { lane: 'demand' }] as const) {
    expect(hasPace({ ...usual, ...change })).toBe(true);
  }
});

describe('a task', () => {
  const stores = (...ids: string[]) =>
    pausedStores(STORES.map((store) => ({ ...store, pausedAtMs: ids.includes(store.id) ? 5 : undefined })));
  const copy = { kind: 'copy', storeId: 'dcn0', sourceStoreId: 'central' } as const;
  const ingest = { kind: 'ingest', storeId: 'dcn0', sourceStoreId: undefined } as const;
  const remove = { kind: 'delete', storeId: 'dcn0', sourceStoreId: undefined } as const;
  const held = 'the job is paused';

  test.each([
    [copy, '', [], undefined],
    [copy, '', ['dcn1'], undefined],
    [copy, '', ['dcn0'], 'store dcn0 is paused'],
    [copy, '', ['central'], 'store central is paused'],
    [ingest, '', ['central'], undefined],
    [ingest, '', ['dcn0'], 'store dcn0 is paused'],
    [remove, '', ['dcn0'], undefined],
    [copy, ' (paused)', [], held],
    [remove, ' (paused)', ['dcn0'], held],
    [copy, ' (paused) (cancelled)', [], undefined],
    [remove, ' (paused) (cancelled)', ['dcn0'], undefined],
    [copy, ' (paused) (cancelled)', ['dcn0'], 'store dcn0 is paused'],
  ] as const)('%j of a job%s, with %j paused', (task, text, paused, wanted) => {
    expect(heldBy(task, job(`copy dcn0${text}`), stores(...paused))).toBe(wanted);
  });
});

test('the pace of a job that has ended, or soon will have, is not changed', () => {
  const one = job('copy dcn0');
  expect(verdict(() => requirePaceable(one))).toBe('allowed');
  expect(verdict(() => requirePaceable({ ...one, state: 'queued' }))).toBe('allowed');
  expect(verdict(() => requirePaceable({ ...one, state: 'partial' }))).toBe('CONFLICT');
  expect(verdict(() => requirePaceable({ ...one, cancelRequested: true }))).toBe('CONFLICT');
});

test('who waits for a paused job is told (R5)', () => {
  expect(waitingSentence([job('copy dcn0 (paused)'), job('delete', 1)])).toBe(
    'waits for job job-1 (copy, paused), job-2 (delete)',
  );
});
