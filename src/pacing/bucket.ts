import { LANES, type Lane } from '../domain/lane.ts';
import { UNLIMITED } from '../domain/rate.ts';

/** The most that is taken at once: a frame of 1 MiB and what goes with it. */
export const MAX_TAKE_BYTES = 1024 * 1024 + 4096;

/** What may be sent at once after a pause, as time: longer than timers are late, short for a link. */
const BURST_MS = 100;

/** Of every limit a lane below `demand` is sure of one part in so many, however busy those above are. */
const SHARE_PARTS = 16;

/**
 * How far the tokens of a bucket may have fallen, in takes, for another one to be given. Usually not at
 * all. But whoever is first in line may go when one take is owed: whatever the others do, they never
 * take the tokens below that, so nobody who comes later keeps the first one waiting. A lane that has its
 * share to get may, for the same reason, go deeper than those above it.
 */
const FIRST_IN_LINE_DEPTH = 1;
const SHARE_DEPTH: Readonly<Record<Lane, number>> = { demand: 1, normal: 2, background: 3 };

/** Where someone stands in the line at one bucket. */
export interface Place {
  readonly lane: Lane;
  /** Nobody waits before it. */
  readonly first: boolean;
  /** Nobody of its own lane does. */
  readonly firstOfLane: boolean;
}

/**
 * Tokens for bytes, `rate` of them a second. They are spent first and earned afterwards: a take needs
 * no tokens for all of its bytes, which small takes would snatch away, only that not too much is owed.
 * Over any time T no more is taken than rate x T, and 0.1 s of the rate, and four takes.
 *
 * Times are milliseconds of a clock that never goes back. Rates are in bytes per second.
 */
export class Bucket {
  #rate: number;
  #atMs: number;
  #tokens: number;
  /** What lanes got lately, and have not earned by their share yet. */
  readonly #owed: Record<Lane, number> = { demand: 0, normal: 0, background: 0 };

  constructor(rate: number, nowMs: number) {
    this.#rate = rate;
    this.#atMs = nowMs;
    this.#tokens = -MAX_TAKE_BYTES;
  }

  get rate(): number {
    return this.#rate;
  }

  /** At once, also for who waits. 0: nothing passes. */
  setRate(rate: number, nowMs: number): void {
    this.#earn(nowMs);
    // What flowed freely until now has earned nothing.
    if (this.#rate === UNLIMITED) this.#tokens = -MAX_TAKE_BYTES;
    this.#rate = rate;
    this.#earn(nowMs);
  }

  /** Until a take may be given to who has this place, if nothing happens before; 0: now. */
  waitMs(place: Place, nowMs: number): number {
    if (this.#rate === UNLIMITED) return 0;
    if (this.#rate === 0) return Number.POSITIVE_INFINITY;
    this.#earn(nowMs);
    if (place.first) return this.#untilMs(FIRST_IN_LINE_DEPTH);
    const inTurnMs = this.#untilMs(0);
    if (!place.firstOfLane) return inTurnMs;
    const shareMs = (this.#owed[place.lane] / (this.#rate / SHARE_PARTS)) * 1000;
    return Math.min(inTurnMs, Math.max(shareMs, this.#untilMs(SHARE_DEPTH[place.lane])));
  }

  take(bytes: number, place: Place, nowMs: number): void {
    if (this.#rate === UNLIMITED) return;
    this.#earn(nowMs);
    // Also what it got without need of a share: so a lane that flowed until now is overtaken at once.
    // But not what passed the first of the lane, whose share that is.
    if (place.firstOfLane) {
      this.#owed[place.lane] = Math.min(MAX_TAKE_BYTES, this.#owed[place.lane] + bytes);
    }
    this.#tokens -= bytes;
  }

  #untilMs(depth: number): number {
    const lacking = -depth * MAX_TAKE_BYTES - this.#tokens;
    return lacking <= 0 ? 0 : (lacking / this.#rate) * 1000;
  }

  #earn(nowMs: number): void {
    if (this.#rate !== UNLIMITED) {
      const earned = ((nowMs - this.#atMs) / 1000) * this.#rate;
      this.#tokens = Math.min((this.#rate * BURST_MS) / 1000, this.#tokens + earned);
      for (const lane of LANES) this.#owed[lane] = Math.max(0, this.#owed[lane] - earned / SHARE_PARTS);
    }
    this.#atMs = nowMs;
  }
}
