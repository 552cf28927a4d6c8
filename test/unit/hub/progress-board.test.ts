import { expect, test } from 'vitest';
import { ProgressBoard } from '../../../src/hub/progress-board.ts';

const TASK = { id: 't', imageId: 'i', storeId: 'dcn0' };
const at = (doneBytes: number, phase: 'transferring' | 'verifying' = 'transferring') => ({
  phase,
  doneBytes,
  totalBytes: 1000,
  resumedBytes: 0,
  holeBytes: 0,
});

function board() {
  let nowMs = 0;
  const board = new ProgressBoard(() => nowMs);
  const report = (ms: number, progress: ReturnType<typeof at>, attempt = 1) => {
    nowMs = ms;
    return board.report(TASK, attempt, progress);
  };
  return { board, report };
}

test('rate and time left follow from the reports', () => {
  const { board: all, report } = board();
  expect(report(0, at(0))).toBe(true);
  expect(all.view('t')?.remainingSeconds).toBeUndefined();
  expect(report(1000, at(100))).toBe(false);
  expect(all.view('t')).toMatchObject({ rateBytesPerSecond: 100, remainingSeconds: 9 });
  report(60_000, at(100));
  expect(all.view('t')?.rateBytesPerSecond).toBeLessThan(1);
});

test('a new phase counts from the start, a new attempt is a new report', () => {
  const { board: all, report } = board();
  report(0, at(0));
  report(1000, at(1000));
  report(1500, at(0, 'verifying'));
  expect(all.view('t')).toMatchObject({ phase: 'verifying', rateBytesPerSecond: 0 });
  expect(report(2000, at(0), 2)).toBe(true);
});

test('what ended is gone, and so is what a store that is away was doing', () => {
  const { board: all, report } = board();
  report(0, at(0));
  all.clear('t');
  expect(all.inFlight()).toEqual([]);
  report(0, at(0));
  all.clearStore('dcn1');
  expect(all.inFlight()).toMatchObject([{ imageId: 'i', storeId: 'dcn0', sizeBytes: 1000 }]);
  all.clearStore('dcn0');
  expect(all.view('t')).toBeUndefined();
});
