import type { Job } from '../wire.ts';
import { paceWords } from './pace.ts';
import type { RateMeter } from './rate.ts';
import { characters, padded, table, width } from './table.ts';
import { type Traffic, taskTraffic, trafficWords } from './traffic.ts';
import { formatBytes, formatDuration, formatRate, percentOf, printable } from './units.ts';

/** How far one thing is: the bytes this command sends or gets, or one store's part of a job. */
export interface ProgressLine {
  /** What tells this line from the others for as long as the command runs. */
  readonly key: string;
  /** `upload`, `download`, or the store's id. */
  readonly label: string;
  /** The phase while it moves, else the task's state. */
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Over the last seconds; undefined while it is not known, 0: it stands still. */
  readonly rateBytesPerSecond: number | undefined;
  readonly remainingSeconds: number | undefined;
  /** Why it failed, waits or is held; empty otherwise. */
  readonly reason: string;
  /** Of a store's part of a job that has bytes. */
  readonly traffic: Traffic | undefined;
}

export interface ProgressView {
  readonly job: Job | undefined;
  readonly lines: readonly ProgressLine[];
}

/** Draws on stderr. Counting is done elsewhere: printers only show what they are given. */
export interface ProgressPrinter {
  show(view: ProgressView): void;
  /** A sentence that stays on the screen. */
  note(text: string): void;
  /** Shows the newest view a last time; nothing may follow. Twice is fine. */
  stop(): void;
}

/** A line per task of a job, in the hub's order. */
export function jobLines(job: Job): ProgressLine[] {
  return job.tasks.map((task) => {
    const { progress, state } = task;
    const moving = state === 'running' && progress !== null;
    return {
      key: task.id,
      label: task.storeId,
      phase: moving && progress.phase !== '' ? progress.phase : state,
      doneBytes: progress?.doneBytes ?? 0,
      totalBytes: progress?.totalBytes ?? 0,
      rateBytesPerSecond: moving ? progress.rateBytesPerSecond : undefined,
      remainingSeconds: moving ? progress.remainingSeconds : undefined,
      reason: printable(task.reason),
      traffic: taskTraffic(task),
    };
  });
}

/** Of the bytes that this command sends. `rate`: of what moves them. */
export function uploadLine(
  phase: string,
  doneBytes: number,
  totalBytes: number,
  rate?: RateMeter,
): ProgressLine {
  return {
    key: 'upload',
    label: 'upload',
    phase,
    doneBytes,
    totalBytes,
    rateBytesPerSecond: rate?.bytesPerSecond,
    remainingSeconds: rate?.remainingSeconds(totalBytes),
    reason: '',
    traffic: undefined,
  };
}

/** What the job as a whole is doing, in one line. */
export function jobHeading(job: Job): string {
  const what = `job ${job.id} (${job.kind})`;
  // That it is paused is among the words of its pace.
  const reason = job.reason === '' || (job.paused && job.endedAtMs === 0) ? '' : `: ${printable(job.reason)}`;
  if (job.cancelRequested && job.endedAtMs === 0) return `${what} is being cancelled`;
  const pace = paceWords(job);
  if (job.state === 'queued' && job.place > 0) return `${what} is queued${pace}, ${placeWords(job)}`;
  return `${what} ${stateWords(job.state)}${pace}${reason}`;
}

const STATE_WORDS: Readonly<Record<string, string>> = {
  succeeded: 'succeeded',
  partial: 'did not reach all stores',
  failed: 'failed',
  cancelled: 'was cancelled',
};

/** A job's state as the end of a sentence. */
export function stateWords(state: string): string {
  return STATE_WORDS[state] ?? `is ${state}`;
}

/** R5: `1 before it: <id> (import, running)`. */
export function placeWords(job: Job): string {
  const before = job.ahead.map(
    ({ id, kind, state, paused }) => `${id} (${kind}, ${state}${paused ? ', paused' : ''})`,
  );
  return `${job.place} before it${before.length > 0 ? `: ${before.join(', ')}` : ''}`;
}

/** `dcn0 transferring 50%, 128 MiB of 256 MiB, 64 MiB/s, 2 s left, 60 MiB on the wire (2.1:1), compression on`. */
export function lineText(line: ProgressLine): string {
  const percent = percentOf(line.doneBytes, line.totalBytes);
  const parts = [`${line.label} ${line.phase}${percent === undefined ? '' : ` ${percent}%`}`];
  if (line.totalBytes > 0) parts.push(`${formatBytes(line.doneBytes)} of ${formatBytes(line.totalBytes)}`);
  if (line.rateBytesPerSecond !== undefined) parts.push(formatRate(line.rateBytesPerSecond));
  if (line.remainingSeconds !== undefined) parts.push(`${formatDuration(line.remainingSeconds)} left`);
  if (line.traffic !== undefined) parts.push(...trafficWords(line.traffic));
  return parts.join(', ') + (line.reason === '' ? '' : `: ${line.reason}`);
}

const BAR_PLACES = 20;

/** The same as columns, with a bar, for a terminal. */
export function barLines(lines: readonly ProgressLine[]): string[] {
  const rows = lines.map((line) => [
    line.label,
    line.phase,
    bar(percentOf(line.doneBytes, line.totalBytes)),
    line.totalBytes > 0 ? `${formatBytes(line.doneBytes)} of ${formatBytes(line.totalBytes)}` : '',
    formatRate(line.rateBytesPerSecond),
    line.remainingSeconds === undefined ? '' : `${formatDuration(line.remainingSeconds)} left`,
    // What keeps it up is more than what it came to: the end may be cut off.
    line.reason || (line.traffic === undefined ? '' : trafficWords(line.traffic).join(', ')),
  ]);
  const columns = rows[0]?.map(() => ({ header: '' })) ?? [];
  // The first line would be the headers.
  return table(columns, rows).split('\n').slice(1, -1);
}

function bar(percent: number | undefined): string {
  if (percent === undefined) return '';
  const full = Math.floor((percent / 100) * BAR_PLACES);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_PLACES - full)}] ${padded(`${percent}%`, 4, 'right')}`;
}

/** Cut to the width of the terminal: a line that wraps would be redrawn in the wrong place. */
export function clipped(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return `${characters(text)
    .slice(0, Math.max(0, columns - 1))
    .join('')}…`;
}
