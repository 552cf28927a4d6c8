import { DEFAULT_LANE, type Lane } from './lane.ts';
import { UNLIMITED } from './rate.ts';
import { Timetable } from './timetable.ts';

/** How fast image data may go, of a store or of a job. */
export interface Pace {
  /** A timetable in its usual form; undefined: no limit. */
  readonly rate: string | undefined;
  /** Since when nothing goes at all; undefined: it is not paused. */
  readonly pausedAtMs: number | undefined;
}

export interface JobPace extends Pace {
  readonly lane: Lane;
}

/** Whether anything about a job's pace is other than usual. */
export function hasPace({ rate, pausedAtMs, lane }: JobPace): boolean {
  return rate !== undefined || pausedAtMs !== undefined || lane !== DEFAULT_LANE;
}

/** A timetable in its usual form; undefined for no limit, which is empty or `off`. INVALID, with a hint. */
export function parsePaceRate(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const timetable = Timetable.parse(text);
  const isOff = timetable.nextChangeAtMs(0) === undefined && timetable.rateAt(0) === UNLIMITED;
  return isOff ? undefined : timetable.toString();
}
