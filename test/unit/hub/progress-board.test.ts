import { describe, expect, test } from 'vitest';
import { noProgress, type Phase, type Progress } from '../../../src/domain/job.ts';
import { ProgressBoard } from '../../../src/hub/progress-board.ts';

const TASK = { id: 't', imageId: 'i', storeId: 'dcn0' };

function at(doneBytes: number, phase: Phase = 'transferring', more: Partial<Progress> = {}): Progress {
  const receivedBytes = phase === 'transferring' ? doneBytes : 1000;
  return { ...noProgress(phase), doneBytes, totalBytes: 1000, receivedBytes, ...more };
}

function board() {
  let nowMs = 0;
  const all = new ProgressBoard(() => nowMs);
  const report = (ms: number, progress: Progress, attempt = 1) => {
    nowMs = ms;
    return all.report(TASK, attempt, progress);
  };
  const view = (ms = nowMs) => {
    nowMs = ms;
    return all.view('t');
  };
  return { all, report, view };
}

describe('rate and time left', () => {
  test('follow from the reports', () => {
    const { report, view } = board();
    expect(report(0, at(0))).toBe(true);
    expect(view()).not.toHaveProperty('rateBytesPerSecond');
    expect(view()).not.toHaveProperty('remainingSeconds');
    expect(report(1000, at(100))).toBe(false);
    expect(view()).toMatchObject({ rateBytesPerSecond: 100, remainingSeconds: 9, updatedAtMs: 1000 });
  });

  test('are of the last seconds, also when nothing is heard: a copy that stands still has no time left', () => {
    const { report, view } = board();
    for (let ms = 0; ms <= 2000; ms += 500) report(ms, at(ms / 10));
    expect(view(2500)).toMatchObject({ rateBytesPerSecond: 100, remainingSeconds: 8 });
    expect(view(5000)?.rateBytesPerSecond).toBeLessThan(70);
    expect(view(7000)).toMatchObject({ rateBytesPerSecond: 0, doneBytes: 200 });
    expect(view(7000)).not.toHaveProperty('remainingSeconds');
  });

  test('do not count what was resumed, whenever that is found', () => {
    const { report, view } = board();
    report(0, at(400, 'transferring', { resumedBytes: 400, receivedBytes: 0 }));
    report(500, at(450, 'transferring', { resumedBytes: 400, receivedBytes: 50 }));
    // Chunks that were found right where they lie.
    report(1000, at(800, 'transferring', { resumedBytes: 700, receivedBytes: 100 }));
    expect(view()).toMatchObject({ rateBytesPerSecond: 100, remainingSeconds: 2 });
  });

  test('count the frames of a chunk that is not yet whole', () => {
    const { report, view } = board();
    report(0, at(0));
    report(1000, at(0, 'transferring', { receivedBytes: 50 }));
    expect(view()).toMatchObject({ rateBytesPerSecond: 50, remainingSeconds: 20 });
  });

  test('take chunks to come to be as full as those that came', () => {
    const { report, view } = board();
    report(0, at(0));
    report(1000, at(200, 'transferring', { receivedBytes: 50 }));
    expect(view()).toMatchObject({ rateBytesPerSecond: 50, remainingSeconds: 4 });
  });

  test('begin anew with each phase, and are there while it is read back', () => {
    const { report, view } = board();
    report(0, at(0));
    report(1000, at(100));
    report(1500, at(200, 'verifying'));
    expect(view()).not.toHaveProperty('rateBytesPerSecond');
    report(2500, at(600, 'verifying'));
    expect(view()).toMatchObject({ phase: 'verifying', rateBytesPerSecond: 400, remainingSeconds: 1 });
  });

  test('are not there in phases that move no bytes', () => {
    const { report, view } = board();
    for (const phase of ['preparing', 'flushing', 'publishing', 'removing'] as const) {
      report(0, at(0, phase));
      report(1000, at(10, phase));
      expect(view(60_000)).not.toHaveProperty('rateBytesPerSecond');
    }
  });
});

test('a new attempt is a new report, and its bytes begin anew', () => {
  const { report, view } = board();
  report(0, at(0));
  report(1000, at(500));
  expect(report(1500, at(600), 2)).toBe(true);
  expect(view()).not.toHaveProperty('rateBytesPerSecond');
});

test('all that was said is shown', () => {
  const { all, report, view } = board();
  const said = at(300, 'transferring', {
    resumedBytes: 100,
    holeBytes: 5000,
    receivedBytes: 200,
    wireBytes: 80,
    compression: 'on',
  });
  report(0, said);
  expect(view()).toEqual({ ...said, updatedAtMs: 0 });
  expect(all.lastOf('t')).toEqual(said);
  report(1, at(300));
  expect(view()).toMatchObject({ compression: '' });
});

test('what ended is gone, and so is what a store that is away was doing', () => {
  const { all, report } = board();
  report(0, at(0));
  all.clear('t');
  expect(all.inFlight()).toEqual([]);
  report(0, at(0));
  all.clearStore('dcn1');
  expect(all.inFlight()).toMatchObject([{ imageId: 'i', storeId: 'dcn0', sizeBytes: 1000 }]);
  report(0, at(0, 'removing'));
  expect(all.inFlight()).toEqual([]);
  all.clearStore('dcn0');
  expect(all.view('t')).toBeUndefined();
  expect(all.lastOf('t')).toBeUndefined();
});
