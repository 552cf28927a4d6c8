import { UNLIMITED } from './rate.ts';
import { formatTimetable, parseTimetable, type Rule, type TimetableParts } from './timetable-text.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday, our weeks on Mondays. */
const EPOCH_IN_WEEK_MS = 3 * DAY_MS;

/** Beyond a week: a change that falls into the hour a zone leaves out comes a week later. */
const HORIZON_MS = 2 * WEEK_MS + DAY_MS;

interface Change {
  /** From the beginning of the week. */
  readonly atMs: number;
  readonly rate: number;
}

/**
 * A rate that changes with the time of the week.
 *
 *     timetable = rule { "," rule } [ "in" zone ]
 *     rule      = { day | day "-" day } [ HH:MM ] rate
 *     rate      = "off" | number ( "B" | "K" | "M" | "G" )
 *
 * A rule says from when on a rate holds; it does until the next rule, also over midnight and over
 * Sunday. Without a time that is 00:00; without days, those of the rule before; where no rule names
 * days, every day. `off` is no limit, as with rclone's --bwlimit. So `20M` alone is always 20 MiB/s, and
 * `Mon-Fri 08:00 20M, 18:00 200M, Sat-Sun off` is unlimited from Saturday 00:00 to Monday 08:00.
 *
 * Times are those of the zone, an IANA name; UTC without one. What its clocks show decides, so where they
 * are turned back an hour happens twice, changes of rate included, and what begins in an hour that is left
 * out begins after it.
 */
export class Timetable {
  readonly #parts: TimetableParts;
  readonly #changes: readonly Change[];
  /** Undefined where the zone makes no difference. */
  readonly #zoneFormat: Intl.DateTimeFormat | undefined;

  private constructor(parts: TimetableParts) {
    this.#parts = parts;
    this.#changes = parts.rules.flatMap(changesOf).sort((a, b) => a.atMs - b.atMs);
    if (parts.zone === 'UTC' || this.#isConstant()) return;
    this.#zoneFormat = new Intl.DateTimeFormat('en-US', { timeZone: parts.zone, timeZoneName: 'longOffset' });
  }

  /** INVALID, with the column of what is wrong and a hint. */
  static parse(text: string): Timetable {
    return new Timetable(parseTimetable(text));
  }

  /** The most it ever comes to, in bytes per second; UNLIMITED where it is `off` at some time. */
  get highest(): number {
    return Math.max(...this.#changes.map(({ rate }) => rate));
  }

  /** Bytes per second at a moment in milliseconds since the epoch; UNLIMITED for `off`. */
  rateAt(nowMs: number): number {
    return this.#rateOnClock(nowMs + this.#offsetAt(nowMs));
  }

  /** The first moment after `nowMs` from which on the rate is another; undefined when it is always the same. */
  nextChangeAtMs(nowMs: number): number | undefined {
    if (this.#isConstant()) return undefined;
    const rate = this.rateAt(nowMs);
    let fromMs = nowMs;
    while (fromMs < nowMs + HORIZON_MS) {
      const offset = this.#offsetAt(fromMs);
      const untilMs = this.#sameOffsetUntil(fromMs, offset);
      const found = this.#otherRateIn(fromMs, untilMs, offset, rate);
      if (found !== undefined) return found;
      fromMs = untilMs;
    }
    return undefined;
  }

  /** Its text in the shortest usual form; parsed again it is the same timetable. */
  toString(): string {
    return formatTimetable(this.#parts);
  }

  #isConstant(): boolean {
    return this.#changes.every(({ rate }) => rate === this.#changes[0]?.rate);
  }

  /** `clockMs`: what the clocks of the zone show, as if it were UTC. */
  #rateOnClock(clockMs: number): number {
    const inWeekMs = clockMs - startOfWeek(clockMs);
    const last = this.#changes.findLast(({ atMs }) => atMs <= inWeekMs) ?? this.#changes.at(-1);
    return last?.rate ?? UNLIMITED;
  }

  /** While the zone keeps this offset: the first moment of [fromMs, untilMs) with another rate. */
  #otherRateIn(fromMs: number, untilMs: number, offset: number, rate: number): number | undefined {
    if (this.#rateOnClock(fromMs + offset) !== rate) return fromMs;
    const weekMs = startOfWeek(fromMs + offset) - offset;
    for (const startMs of [weekMs, weekMs + WEEK_MS]) {
      const change = this.#changes.find(({ atMs, rate: other }) => {
        return other !== rate && startMs + atMs > fromMs && startMs + atMs < untilMs;
      });
      if (change !== undefined) return startMs + change.atMs;
    }
    return undefined;
  }

  /** A day on, or when the zone's offset changes before: no zone does so twice in a day. */
  #sameOffsetUntil(fromMs: number, offset: number): number {
    let [same, other] = [fromMs, fromMs + DAY_MS];
    if (this.#offsetAt(other) === offset) return other;
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.#offsetAt(middle) === offset) same = middle;
      else other = middle;
    }
    return other;
  }

  /** What the zone's clocks are ahead of UTC. */
  #offsetAt(ms: number): number {
    if (this.#zoneFormat === undefined) return 0;
    // '11/20/2026, GMT-05:00'; GMT+00:53:28 in the nineteenth century.
    const match = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(this.#zoneFormat.format(ms));
    const [, sign, hours = 0, minutes = 0, seconds = 0] = match ?? [];
    const ahead = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS + Number(seconds) * 1000;
    return sign === '-' ? -ahead : ahead;
  }
}

function startOfWeek(ms: number): number {
  return Math.floor((ms + EPOCH_IN_WEEK_MS) / WEEK_MS) * WEEK_MS - EPOCH_IN_WEEK_MS;
}

function changesOf({ days, minute, rate }: Rule): Change[] {
  return days.map((day) => ({ atMs: day * DAY_MS + minute * MINUTE_MS, rate }));
}
