import { fitted } from './fitted.ts';
import {
  barLines,
  clipped,
  jobHeading,
  lineText,
  type ProgressLine,
  type ProgressPrinter,
  type ProgressView,
} from './progress.ts';
import { trafficJson } from './traffic.ts';
import { percentOf } from './units.ts';

/** The part of a stream the printers use. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export type Now = () => number;

/** Redrawing faster than the eye sees costs the link of a remote terminal. */
const REDRAW_MS = 100;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** The heading, and the line the cursor is on. */
const OTHER_ROWS = 2;
/** A log gets a line this often from a copy that moves within one phase... */
const PLAIN_REPEAT_MS = 5000;
/** ...or this often, where somebody asked for it... */
const PLAIN_OFTEN_MS = 1000;
/** ...and no more than one in so long from all copies together. */
const PLAIN_APART_MS = 1000;
/** A script may draw a bar of its own from these. */
const JSON_REPEAT_MS = 500;

/** A terminal: a heading and a line per store, redrawn in place. */
export class TtyProgress implements ProgressPrinter {
  readonly #screen: Screen;
  readonly #now: Now;
  #view: ProgressView | undefined;
  #drawnLines = 0;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen, now: Now = Date.now) {
    this.#screen = screen;
    this.#now = now;
  }

  show(view: ProgressView): void {
    this.#view = view;
    const restMs = this.#drawnAtMs + REDRAW_MS - this.#now();
    if (restMs <= 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), restMs).unref();
  }

  note(text: string): void {
    this.#screen.write(`${this.#erasure()}${text}\n`);
    this.#drawnLines = 0;
    if (this.#view !== undefined) this.#draw();
  }

  stop(): void {
    if (this.#view !== undefined) this.#draw();
    this.#view = undefined;
    clearTimeout(this.#timer);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { job, lines } = this.#view ?? { job: undefined, lines: [] };
    const shown = fitted(lines, Math.max(1, (this.#screen.rows ?? DEFAULT_ROWS) - OTHER_ROWS));
    const heading = job === undefined ? '' : jobHeading(job);
    const texts = [heading, ...barLines(shown.lines), shown.summary].filter((text) => text !== '');
    const columns = this.#screen.columns ?? DEFAULT_COLUMNS;
    const body = texts.map((text) => `${clipped(text, columns)}\n`).join('');
    this.#screen.write(this.#erasure() + body);
    this.#drawnLines = texts.length;
    this.#drawnAtMs = this.#now();
  }

  /** Up to the first line drawn, and all below it away. */
  #erasure(): string {
    return this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A\x1b[J`;
  }
}

/** Prints a line of a key when something a reader waits for changed, and now and then between. */
class ChangedLines {
  readonly #screen: Screen;
  readonly #now: Now;
  readonly #printed = new Map<
    string,
    { readonly change: string; readonly text: string; readonly atMs: number }
  >();

  constructor(screen: Screen, now: Now) {
    this.#screen = screen;
    this.#now = now;
  }

  /** A text that differs in more than `change` is printed once `repeatMs` have passed. */
  print(key: string, change: string, text: string, repeatMs: number): void {
    const last = this.#printed.get(key);
    const due = last === undefined || this.#now() - last.atMs >= repeatMs;
    if (last?.text === text || (last?.change === change && !due)) return;
    this.#screen.write(`${text}\n`);
    this.#printed.set(key, { change, text, atMs: this.#now() });
  }
}

/** A pipe or a log: a line whenever a phase, state or reason changes, and now and then between. */
export class PlainProgress implements ProgressPrinter {
  readonly #screen: Screen;
  readonly #changed: ChangedLines;
  readonly #repeatMs: number;
  #view: ProgressView | undefined;

  constructor(screen: Screen, now: Now = Date.now, everySecond = false) {
    this.#screen = screen;
    this.#changed = new ChangedLines(screen, now);
    this.#repeatMs = everySecond ? PLAIN_OFTEN_MS : PLAIN_REPEAT_MS;
  }

  show(view: ProgressView): void {
    this.#view = view;
    this.#print(view, Math.max(this.#repeatMs, view.lines.length * PLAIN_APART_MS));
  }

  note(text: string): void {
    this.#screen.write(`${text}\n`);
  }

  stop(): void {
    if (this.#view !== undefined) this.#print(this.#view, 0);
    this.#view = undefined;
  }

  #print({ job, lines }: ProgressView, repeatMs: number): void {
    if (job !== undefined) {
      const heading = jobHeading(job);
      this.#changed.print('job', heading, heading, repeatMs);
    }
    for (const line of lines) {
      this.#changed.print(line.key, `${line.phase} ${line.reason}`, lineText(line), repeatMs);
    }
  }
}

/** A script: a JSON line per store at the same occasions, more often. */
export class JsonProgress implements ProgressPrinter {
  readonly #screen: Screen;
  readonly #changed: ChangedLines;
  #view: ProgressView | undefined;

  constructor(screen: Screen, now: Now = Date.now) {
    this.#screen = screen;
    this.#changed = new ChangedLines(screen, now);
  }

  show(view: ProgressView): void {
    this.#view = view;
    this.#print(view, JSON_REPEAT_MS);
  }

  note(text: string): void {
    this.#screen.write(`${JSON.stringify({ note: text })}\n`);
  }

  stop(): void {
    if (this.#view !== undefined) this.#print(this.#view, 0);
    this.#view = undefined;
  }

  #print({ job, lines }: ProgressView, repeatMs: number): void {
    const jobPart = {
      job_id: job?.id ?? null,
      job_state: job?.state ?? null,
      place: job?.place ?? null,
      paused: job?.paused ?? null,
      rate: job?.rate || null,
      lane: job?.lane ?? null,
    };
    const state = `${jobPart.job_state} ${jobPart.place} ${jobPart.paused} ${jobPart.rate} ${jobPart.lane}`;
    if (lines.length === 0) this.#changed.print('job', state, jsonLine({ ...jobPart, name: null }), repeatMs);
    for (const line of lines) {
      const change = `${state} ${line.phase} ${line.reason} ${line.traffic?.compression}`;
      this.#changed.print(line.key, change, jsonLine({ ...jobPart, ...lineJson(line) }), repeatMs);
    }
  }
}

function jsonLine(progress: Record<string, unknown>): string {
  return JSON.stringify({ progress });
}

function lineJson(line: ProgressLine) {
  return {
    name: line.label,
    phase: line.phase,
    done_bytes: line.doneBytes,
    total_bytes: line.totalBytes,
    percent: percentOf(line.doneBytes, line.totalBytes) ?? null,
    rate_bytes_per_second: line.rateBytesPerSecond ?? null,
    remaining_seconds: line.remainingSeconds ?? null,
    reason: line.reason === '' ? null : line.reason,
    ...trafficJson(line.traffic),
  };
}

/** The printer that suits where stderr goes and what was asked for. */
export function progressPrinter(
  output: 'table' | 'json',
  screen: Screen,
  everySecond = false,
): ProgressPrinter {
  if (output === 'json') return new JsonProgress(screen);
  return screen.isTTY === true ? new TtyProgress(screen) : new PlainProgress(screen, Date.now, everySecond);
}
