import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TASK_KINDS } from '../../../src/domain/job.ts';
import { comesBefore, LANES, type Lane } from '../../../src/domain/lane.ts';
import { type Attempt, Room } from '../../../src/queue/room.ts';

const copy = (lane: Lane, storeId = 'dcn0', held = false): Attempt => ({ storeId, kind: 'copy', lane, held });
const remove: Attempt = { storeId: 'dcn0', kind: 'delete', lane: 'normal', held: false };
const times = (count: number, attempt: Attempt) => Array.from({ length: count }, () => attempt);

describe('room', () => {
  test('is as wide as a store, and as all of them together', () => {
    const room = new Room({ perStore: 2, overall: 3 }, []);
    const stores = ['dcn0', 'dcn0', 'dcn0', 'dcn1', 'dcn2'];
    expect(stores.map((storeId) => room.take(copy('normal', storeId)))).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  test.each<[Lane, Lane, boolean]>([
    ['demand', 'background', true],
    ['demand', 'normal', true],
    ['normal', 'background', true],
    ['demand', 'demand', false],
    ['normal', 'demand', false],
    ['background', 'demand', false],
    ['background', 'normal', false],
  ])('for %s, where all that is at work is %s: %s', (lane, atWork, is) => {
    const full = [copy(atWork), copy(atWork)];
    expect(new Room({ perStore: 2, overall: 9 }, full).take(copy(lane))).toBe(is);
    const room = new Room({ perStore: 9, overall: 2 }, full);
    expect(room.isFull(lane)).toBe(!is);
    expect(room.take(copy(lane, 'dcn1'))).toBe(is);
  });

  test('is not taken by what is paused, until that is very much', () => {
    const widths = { perStore: 2, overall: 99 };
    expect(new Room(widths, times(7, copy('demand', 'dcn0', true))).take(copy('background'))).toBe(true);
    const eight = times(8, copy('demand', 'dcn0', true));
    expect(new Room(widths, eight).take(copy('demand'))).toBe(false);
    expect(new Room(widths, eight).take(copy('demand', 'dcn1'))).toBe(true);
    // A delete takes no memory.
    expect(new Room(widths, eight).take(remove)).toBe(true);
  });

  test('of a random kind: never more than the widths allow', () => {
    const attempt = fc.record({
      storeId: fc.constantFrom('central', 'dcn0'),
      kind: fc.constantFrom(...TASK_KINDS),
      lane: fc.constantFrom(...LANES),
      held: fc.boolean(),
    });
    const widths = fc.record({
      perStore: fc.integer({ min: 1, max: 3 }),
      overall: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(widths, fc.array(attempt, { maxLength: 30 }), fc.array(attempt), (wide, atWork, asked) => {
        const room = new Room(wide, atWork);
        const all = [...atWork];
        for (const one of asked.map((next) => ({ ...next, held: false }))) {
          const before = all.filter((other) => !other.held && !comesBefore(one.lane, other.lane));
          const here = before.filter(({ storeId }) => storeId === one.storeId);
          const data = all.filter(({ kind }) => kind !== 'delete');
          const dataHere = data.filter(({ storeId }) => storeId === one.storeId);
          const fits = before.length < wide.overall && here.length < wide.perStore;
          const isLight = data.length < 4 * wide.overall && dataHere.length < 4 * wide.perStore;
          const taken = room.take(one);
          expect(taken).toBe(fits && (one.kind === 'delete' || isLight));
          if (taken) all.push(one);
        }
      }),
    );
  });
});
