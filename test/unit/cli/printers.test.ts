import { describe, expect, it } from 'vitest';
import {
  JsonProgress,
  PlainProgress,
  progressPrinter,
  TtyProgress,
} from '../../../src/cli/output/printers.ts';
import { jobHeading, jobLines, type ProgressView } from '../../../src/cli/output/progress.ts';
import type { Job, Task } from '../../../src/cli/wire.ts';
import { endedJob, JOB_ID, job, OTHER_JOB_ID, progress, queuedJob, task } from './samples.ts';

const MIB = 1024 * 1024;

class FakeScreen {
  readonly isTTY: boolean;
  readonly columns = 120;
  text = '';

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  /** What was written since the last call. */
  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

function view(one: Job): ProgressView {
  return { job: one, lines: jobLines(one) };
}

const twoStores = job({
  tasks: [
    task(),
    task({ id: 'task-2', storeId: 'dcn1', state: 'waiting', reason: 'store dcn1 is away', progress: null }),
  ],
});

/** Tasks at stores dcn0 and on, all of them alike. */
function many(count: number, changes: Partial<Task> = {}): Task[] {
  return Array.from({ length: count }, (_, index) =>
    task({ id: `task-${changes.state ?? 'running'}-${index}`, storeId: `dcn${index}`, ...changes }),
  );
}

describe('what a job is doing, in a line', () => {
  it.each([
    [job(), `job ${JOB_ID} (copy) is running`],
    [queuedJob(), `job ${JOB_ID} (copy) is queued, 1 before it: ${OTHER_JOB_ID} (import, running)`],
    [job({ cancelRequested: true }), `job ${JOB_ID} (copy) is being cancelled`],
    [endedJob({ cancelRequested: true, state: 'cancelled' }), `job ${JOB_ID} (copy) was cancelled`],
    [job({ paused: true, reason: 'the job is paused' }), `job ${JOB_ID} (copy) is running, paused`],
    [job({ reason: 'store dcn0 is paused' }), `job ${JOB_ID} (copy) is running: store dcn0 is paused`],
    [endedJob({ state: 'failed', reason: 'no\nroom' }), `job ${JOB_ID} (copy) failed: no\\u000aroom`],
  ])('%#', (one, text) => {
    expect(jobHeading(one)).toBe(text);
  });
});

describe('on a terminal', () => {
  it('draws a line per store and draws it again in place', () => {
    const screen = new FakeScreen(true);
    let nowMs = 0;
    const printer = new TtyProgress(screen, () => nowMs);
    printer.show(view(twoStores));
    expect(screen.take()).toBe(
      `job ${JOB_ID} (copy) is running\n` +
        'dcn0  transferring  [##########----------]  50%  32 MiB of 64 MiB  16 MiB/s  2 s left  32 MiB on the wire, 192 MiB holes\n' +
        'dcn1  waiting                                                                          store dcn1 is away\n',
    );
    nowMs += 1000;
    printer.show(view(endedJob()));
    expect(screen.take()).toBe(
      `\x1b[3A\x1b[Jjob ${JOB_ID} (copy) succeeded\n` +
        'dcn0  done  [####################] 100%  64 MiB of 64 MiB\n',
    );
    printer.stop();
    expect(screen.take().startsWith('\x1b[2A\x1b[Jjob')).toBe(true);
    printer.stop();
    expect(screen.take()).toBe('');
  });

  it('draws no more often than people can see, and the newest view in the end', () => {
    const screen = new FakeScreen(true);
    const printer = new TtyProgress(screen, () => 0);
    printer.show(view(twoStores));
    screen.take();
    printer.show(view(job()));
    printer.show(view(endedJob()));
    expect(screen.take()).toBe('');
    printer.stop();
    expect(screen.take()).toContain('succeeded');
  });

  it('cuts what would wrap', () => {
    const screen = Object.assign(new FakeScreen(true), { columns: 20 });
    const printer = new TtyProgress(screen, () => 0);
    printer.show(view(twoStores));
    printer.stop();
    const lines = screen.take().split('\n');
    expect(lines[1]).toBe('dcn0  transferring …');
    expect(lines.slice(0, 3).map((line) => line.length)).toEqual([20, 20, 20]);
  });

  it('shows what is at work, and what all come to, where there are more stores than lines', () => {
    const screen = Object.assign(new FakeScreen(true), { rows: 8 });
    const printer = new TtyProgress(screen, () => 0);
    const done = many(9, { state: 'done', progress: null });
    const queued = many(7, { state: 'queued', progress: null });
    const failed = many(1, { state: 'failed', progress: null, storeId: 'edge', reason: 'no room' });
    printer.show(view(job({ tasks: [...done, ...failed, ...queued, ...many(3)] })));
    printer.stop();
    const lines = screen.take().split('\x1b[').at(0)?.trimEnd().split('\n') ?? [];
    expect(lines).toHaveLength(7);
    expect(lines.slice(1, -1).map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
      'edge failed',
      'dcn0 queued',
      'dcn0 transferring',
      'dcn1 transferring',
      'dcn2 transferring',
    ]);
    expect(lines.at(-1)).toBe('20 in all: 9 done, 1 failed, 7 queued, 3 transferring, 48 MiB/s');
  });

  it('keeps a note above what it redraws', () => {
    const screen = new FakeScreen(true);
    const printer = new TtyProgress(screen, () => 0);
    printer.show({ job: job({ tasks: [] }), lines: [] });
    screen.take();
    printer.note('the record is kept');
    expect(screen.take()).toBe(`\x1b[1A\x1b[Jthe record is kept\njob ${JOB_ID} (copy) is running\n`);
    printer.stop();
  });
});

describe('in a pipe', () => {
  it('prints a line when a phase, state or reason changes, and every 5 s', () => {
    const screen = new FakeScreen();
    let nowMs = 0;
    const printer = new PlainProgress(screen, () => nowMs);
    printer.show(view(twoStores));
    expect(screen.take()).toBe(
      `job ${JOB_ID} (copy) is running\n` +
        'dcn0 transferring 50%, 32 MiB of 64 MiB, 16 MiB/s, 2 s left, 32 MiB on the wire, 192 MiB holes\n' +
        'dcn1 waiting: store dcn1 is away\n',
    );
    const moved = job({ tasks: [task({ progress: progress({ doneBytes: 48 * MIB }) })] });
    nowMs = 4999;
    printer.show(view(moved));
    expect(screen.take()).toBe('');
    nowMs = 5000;
    printer.show(view(moved));
    expect(screen.take()).toBe(
      'dcn0 transferring 75%, 48 MiB of 64 MiB, 16 MiB/s, 2 s left, 32 MiB on the wire, 192 MiB holes\n',
    );
    const { remainingSeconds: _, rateBytesPerSecond: __, ...unknown } = progress({ phase: 'verifying' });
    printer.show(view(job({ tasks: [task({ progress: unknown })] })));
    expect(screen.take()).toBe('dcn0 verifying 50%, 32 MiB of 64 MiB, 32 MiB on the wire, 192 MiB holes\n');
  });

  it('prints a line every second where somebody asked for progress', () => {
    const screen = new FakeScreen();
    let nowMs = 0;
    const printer = new PlainProgress(screen, () => nowMs, true);
    const at = (doneBytes: number) => view(job({ tasks: [task({ progress: progress({ doneBytes }) })] }));
    printer.show(at(0));
    screen.take();
    nowMs = 999;
    printer.show(at(16 * MIB));
    expect(screen.take()).toBe('');
    nowMs = 1000;
    printer.show(at(16 * MIB));
    expect(screen.take()).toContain('dcn0 transferring 25%, 16 MiB of 64 MiB');
  });

  it('is no flood where there are many stores', () => {
    const screen = new FakeScreen();
    let nowMs = 0;
    const printer = new PlainProgress(screen, () => nowMs);
    const at = (doneBytes: number) =>
      view(job({ tasks: many(20).map((one) => ({ ...one, progress: progress({ doneBytes }) })) }));
    printer.show(at(0));
    screen.take();
    nowMs = 19_999;
    printer.show(at(1));
    expect(screen.take()).toBe('');
    nowMs = 20_000;
    printer.show(at(MIB));
    expect(screen.take().trimEnd().split('\n')).toHaveLength(20);
  });

  it('prints the last state once when it stops', () => {
    const screen = new FakeScreen();
    const printer = new PlainProgress(screen, () => 0);
    printer.show(view(job({ tasks: [task({ progress: progress({ doneBytes: 0 }) })] })));
    screen.take();
    printer.show(view(job()));
    expect(screen.take()).toBe('');
    printer.stop();
    expect(screen.take()).toBe(
      'dcn0 transferring 50%, 32 MiB of 64 MiB, 16 MiB/s, 2 s left, 32 MiB on the wire, 192 MiB holes\n',
    );
    printer.stop();
    expect(screen.take()).toBe('');
  });
});

describe('for a script', () => {
  it('prints a JSON line per store that changed', () => {
    const screen = new FakeScreen();
    let nowMs = 0;
    const printer = new JsonProgress(screen, () => nowMs);
    printer.show(view(twoStores));
    const lines = screen.take().trimEnd().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      progress: {
        job_id: JOB_ID,
        job_state: 'running',
        place: 0,
        paused: false,
        rate: null,
        lane: 'normal',
        name: 'dcn0',
        phase: 'transferring',
        done_bytes: 32 * MIB,
        total_bytes: 64 * MIB,
        percent: 50,
        rate_bytes_per_second: 16 * MIB,
        remaining_seconds: 2,
        reason: null,
        received_bytes: 32 * MIB,
        wire_bytes: 32 * MIB,
        hole_bytes: 192 * MIB,
        resumed_bytes: 0,
        compression: null,
      },
    });
    expect(lines.map((line) => JSON.parse(line).progress.name)).toEqual(['dcn0', 'dcn1']);
    printer.show(view(job({ tasks: [task({ progress: progress({ doneBytes: 48 * MIB }) })] })));
    expect(screen.take()).toBe('');
    nowMs = 500;
    printer.show(view(job({ tasks: [task({ progress: progress({ doneBytes: 48 * MIB }) })] })));
    expect(JSON.parse(screen.take()).progress.percent).toBe(75);
    printer.show({ job: queuedJob(), lines: [] });
    expect(JSON.parse(screen.take())).toEqual({
      progress: {
        job_id: JOB_ID,
        job_state: 'queued',
        place: 1,
        paused: false,
        rate: null,
        lane: 'normal',
        name: null,
      },
    });
  });
});

it('chooses the printer by what was asked for and where stderr goes', () => {
  expect(progressPrinter('json', new FakeScreen(true))).toBeInstanceOf(JsonProgress);
  expect(progressPrinter('table', new FakeScreen(true))).toBeInstanceOf(TtyProgress);
  expect(progressPrinter('table', new FakeScreen())).toBeInstanceOf(PlainProgress);
});
