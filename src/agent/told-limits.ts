import { UNLIMITED } from '../domain/rate.ts';
import { Refusal } from '../domain/refusal.ts';
import { Timetable } from '../domain/timetable.ts';
import type { Clock } from '../pacing/clock.ts';
import { followTimetable } from '../pacing/follow.ts';
import type { Limit } from '../pacing/limit.ts';
import type { PaceTerms } from './messages.ts';

const NO_TERMS: PaceTerms = { rate: '', paused: false };

export interface ToldLimitsParts {
  readonly clock: Clock;
  readonly makeLimit: () => Limit;
  /** A rate that cannot be read: the one before stays. Called once for each. */
  readonly onUnread: (id: string, refusal: Refusal) => void;
}

/** A limit for one stream, until that has ended and this is disposed of. */
export interface LimitUse extends Disposable {
  readonly limit: Limit;
}

/**
 * The limits of stores, or of jobs, by id, as the hub tells of them. There is one while streams use it, and
 * for as long as it is told of: a receiver's streams come one after the other, and share what they may send.
 * One that is told of and was never used costs nothing but its words.
 */
export class ToldLimits implements Disposable {
  readonly #parts: ToldLimitsParts;
  readonly #limits = new Map<string, ToldLimit>();
  #told: ReadonlyMap<string, PaceTerms> = new Map();

  constructor(parts: ToldLimitsParts) {
    this.#parts = parts;
  }

  /** Limits there are. */
  get size(): number {
    return this.#limits.size;
  }

  /** In place of all that was told before. Holds at once, also for those who wait. */
  tell(told: ReadonlyMap<string, PaceTerms>): void {
    this.#told = told;
    for (const [id, one] of this.#limits) {
      one.heed(told.get(id) ?? NO_TERMS);
      this.#dropUnused(id, one);
    }
  }

  use(id: string): LimitUse {
    const one = this.#limits.get(id) ?? this.#add(id, this.#parts.makeLimit());
    one.uses += 1;
    const over = () => {
      one.uses -= 1;
      this.#dropUnused(id, one);
    };
    return { limit: one.limit, [Symbol.dispose]: over };
  }

  /** This limit, for good. */
  keep(id: string, limit: Limit): void {
    this.#add(id, limit).uses = 1;
  }

  /** The most that may ever go by this limit, in bytes per second; UNLIMITED without one, and where it is not to be read. */
  highest(id: string): number {
    const rate = this.#told.get(id)?.rate ?? '';
    try {
      return rate === '' ? UNLIMITED : Timetable.parse(rate).highest;
    } catch {
      return UNLIMITED;
    }
  }

  /** Those that are not unlimited at this moment, in bytes per second; 0: paused. */
  *rates(): Generator<readonly [id: string, bytesPerSecond: number], void, void> {
    for (const [id, { limit }] of this.#limits) if (limit.rate !== UNLIMITED) yield [id, limit.rate];
  }

  [Symbol.dispose](): void {
    for (const one of this.#limits.values()) one[Symbol.dispose]();
  }

  #add(id: string, limit: Limit): ToldLimit {
    const { clock, onUnread } = this.#parts;
    const one = new ToldLimit(limit, clock, (refusal) => onUnread(id, refusal));
    one.heed(this.#told.get(id) ?? NO_TERMS);
    this.#limits.set(id, one);
    return one;
  }

  #dropUnused(id: string, one: ToldLimit): void {
    // Not told of, it follows no timetable either.
    if (one.uses === 0 && !this.#told.has(id)) this.#limits.delete(id);
  }
}

class ToldLimit implements Disposable {
  readonly limit: Limit;
  /** Streams that have it. */
  uses = 0;
  readonly #clock: Clock;
  readonly #onUnread: (refusal: Refusal) => void;
  /** As the hub wrote it. */
  #rate = '';
  #followed: Disposable | undefined;

  constructor(limit: Limit, clock: Clock, onUnread: (refusal: Refusal) => void) {
    this.limit = limit;
    this.#clock = clock;
    this.#onUnread = onUnread;
  }

  /** Pauses first and resumes last, so that nothing passes in between. */
  heed({ rate, paused }: PaceTerms): void {
    if (paused) this.limit.pause();
    if (rate !== this.#rate) this.#follow(rate);
    if (!paused) this.limit.resume();
  }

  [Symbol.dispose](): void {
    this.#followed?.[Symbol.dispose]();
  }

  #follow(rate: string): void {
    this.#rate = rate;
    try {
      const timetable = rate === '' ? undefined : Timetable.parse(rate);
      this.#followed?.[Symbol.dispose]();
      this.#followed = timetable && followTimetable(this.limit, timetable, this.#clock);
      if (timetable === undefined) this.limit.setRate(UNLIMITED);
    } catch (error) {
      this.#onUnread(Refusal.from(error));
    }
  }
}
