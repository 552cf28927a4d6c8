import type { ProgressLine } from './progress.ts';
import { formatRate } from './units.ts';

/** What a person waits for comes first; any other phase is of something at work. */
const LATER: Readonly<Record<string, number>> = { failed: 1, waiting: 2, assigned: 3, queued: 4, done: 5 };

/** Lines of a terminal: those that matter most, and what all of them come to. */
export interface Fitted {
  readonly lines: readonly ProgressLine[];
  /** Empty when all lines are there. */
  readonly summary: string;
}

/**
 * A screen is redrawn from its first line on, so that there must not be more lines than it has: where there
 * are more stores than `places`, those at work are shown, then those in trouble, in the order they came.
 */
export function fitted(lines: readonly ProgressLine[], places: number): Fitted {
  if (lines.length <= places) return { lines, summary: '' };
  const urgency = ({ phase }: ProgressLine) => LATER[phase] ?? 0;
  // A stable sort: among equals the order of the hub stays.
  const chosen = new Set(lines.toSorted((a, b) => urgency(a) - urgency(b)).slice(0, Math.max(0, places - 1)));
  return { lines: lines.filter((line) => chosen.has(line)), summary: summaryOf(lines) };
}

/** `20 in all: 4 transferring, 9 done, 7 queued, 210 MiB/s`. */
function summaryOf(lines: readonly ProgressLine[]): string {
  const counts = new Map<string, number>();
  for (const { phase } of lines) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const words = [...counts].map(([phase, count]) => `${count} ${phase}`);
  const rate = lines.reduce((sum, line) => sum + (line.rateBytesPerSecond ?? 0), 0);
  return `${lines.length} in all: ${[...words, ...(rate > 0 ? [formatRate(rate)] : [])].join(', ')}`;
}
