import type { Timetable } from '../domain/timetable.ts';
import type { Clock } from './clock.ts';
import type { Limit } from './limit.ts';

/** The clock of the machine may be set, and it may sleep: so long at most is the old rate kept. */
const LONGEST_SLEEP_MS = 60_000;

/** Gives a limit the rate of its timetable, now and at each change, until it is disposed of. */
export function followTimetable(limit: Limit, timetable: Timetable, clock: Clock): Disposable {
  let cancel = () => {};
  const follow = () => {
    const epochMs = clock.epochMs();
    limit.setRate(timetable.rateAt(epochMs));
    const changeAtMs = timetable.nextChangeAtMs(epochMs);
    if (changeAtMs === undefined) return;
    cancel = clock.after(Math.min(LONGEST_SLEEP_MS, Math.ceil(changeAtMs - epochMs)), follow);
  };
  follow();
  return { [Symbol.dispose]: () => cancel() };
}
