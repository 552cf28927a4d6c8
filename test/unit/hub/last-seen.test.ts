import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LastSeen } from '../../../src/hub/last-seen.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { Scratch } from '../catalogue/scratch.ts';

let scratch: Scratch;
let lines: string[];
let lastSeen: LastSeen;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  scratch = new Scratch();
  scratch.withStores();
  lines = [];
  const target = { write: (line: string) => void lines.push(line) };
  const log = createLoggers({ component: 'hub', level: 'info', target }).attach;
  lastSeen = new LastSeen({ catalogue: scratch.catalogue, log, intervalMs: 1000 });
  lastSeen.start();
});
afterEach(() => {
  vi.useRealTimers();
  scratch[Symbol.dispose]();
});

const seen = () => scratch.catalogue.stores.all().map(({ id, lastSeenMs }) => [id, lastSeenMs]);

test('who was heard is written down for all together, with what was last', () => {
  const transact = vi.spyOn(scratch.catalogue, 'transact');
  lastSeen.heard('dcn0', 5);
  lastSeen.heard('central', 6);
  lastSeen.heard('dcn0', 7);
  expect(seen()).toEqual([
    ['central', undefined],
    ['dcn0', undefined],
  ]);
  vi.advanceTimersByTime(1000);
  expect(seen()).toEqual([
    ['central', 6],
    ['dcn0', 7],
  ]);
  vi.advanceTimersByTime(5000);
  expect(transact).toHaveBeenCalledTimes(1);
});

test('what was heard before the hub stops is not forgotten', () => {
  lastSeen.heard('dcn0', 8);
  lastSeen[Symbol.dispose]();
  expect(seen()).toContainEqual(['dcn0', 8]);
});

test('a disk that is full is told of, and what was heard is written down once it is not', () => {
  const { catalogue } = scratch;
  lastSeen.heard('dcn0', 9);
  Object.assign(catalogue, {
    transact: () => {
      throw new Error('database or disk is full');
    },
  });
  vi.advanceTimersByTime(1000);
  expect(lines.join('')).toContain('database or disk is full');
  Reflect.deleteProperty(catalogue, 'transact');
  vi.advanceTimersByTime(1000);
  expect(seen()).toContainEqual(['dcn0', 9]);
  lastSeen[Symbol.dispose]();
});
