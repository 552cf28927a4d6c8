import { LANES, type Lane } from '../domain/lane.ts';
import { UNLIMITED } from '../domain/rate.ts';
import { Refusal } from '../domain/refusal.ts';
import { type Bucket, MAX_TAKE_BYTES, type Place } from './bucket.ts';
import type { Clock } from './clock.ts';
import { Limit } from './limit.ts';

/** Far more than an agent has streams; each waits with one take, some 500 bytes. */
const MAX_WAITING = 1024;

/** A timer may not be set further ahead than 24 days; looking once an hour costs nothing. */
const LONGEST_WAIT_MS = 3_600_000;

export interface PacerParts {
  readonly clock: Clock;
  /** Takes that may wait at a time, default 1024. */
  readonly maxWaiting?: number;
}

/** How one stream keeps to the limits it counts against. */
export interface Pace {
  /**
   * Settles when so many bytes may be sent, at most MAX_TAKE_BYTES; then they are charged. Nothing is
   * when it rejects: CANCELLED, or the Refusal `signal` aborts with; RATE_LIMITED when too many wait.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** From now on, also for takes that wait. */
  setLane(lane: Lane): void;
}

interface Stream {
  readonly buckets: readonly Bucket[];
  lane: Lane;
}

interface Waiter {
  readonly stream: Stream;
  readonly bytes: number;
  readonly give: () => void;
}

interface PlaceAt {
  readonly bucket: Bucket;
  readonly place: Place;
}

/** Who is given next and where it stands in line, or how long until somebody may be. */
type Turn =
  | { readonly waiter: Waiter; readonly places: readonly PlaceAt[] }
  | { readonly waiter: undefined; readonly waitMs: number };

/**
 * Lets bytes leave a source no faster than all limits that they count against: that of the source,
 * and whichever others a pace has. A take is given when all of them allow it, and then is charged to
 * each of them, once; before, to none.
 *
 * Who goes first: `demand` before `normal` before `background`, and in a lane whoever asked first. A
 * later one goes before it only while the earlier one is held by a limit that the later one doesn't
 * have; a slow store, a slow job or a paused one never holds up others. And nobody waits for ever: of
 * each limit a lane below others gets 1/16 at least, so that the first of a lane waits no longer
 * than its tightest limit takes for 20 MiB, and everybody else so long for each one before it.
 *
 * Nothing runs while nothing can change: there is one timer, for the next take, and none while all that
 * wait are paused.
 */
export class Pacer {
  /** What the whole source may send. */
  readonly source: Limit;
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  /** In order of arrival. */
  readonly #waiting = new Set<Waiter>();
  #cancelTimer: () => void = () => undefined;

  constructor({ clock, maxWaiting = MAX_WAITING }: PacerParts) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
    this.source = this.limit();
  }

  /** Takes that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A limit for some of what this source sends, in bytes per second. Kept by nobody but who asked for it. */
  limit(bytesPerSecond = UNLIMITED): Limit {
    return new Limit(bytesPerSecond, this.#clock, () => this.#look());
  }

  /** For one stream: what it sends counts against these limits of this pacer, and that of the source. */
  pace(limits: readonly Limit[], lane: Lane): Pace {
    const buckets = [...new Set([this.source, ...limits])].map(({ bucket }) => bucket);
    const stream: Stream = { buckets, lane };
    return {
      take: (bytes, signal) => this.#take(stream, bytes, signal),
      setLane: (next) => {
        stream.lane = next;
        this.#look();
      },
    };
  }

  async #take(stream: Stream, bytes: number, signal: AbortSignal): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > MAX_TAKE_BYTES) {
      throw new RangeError(`${bytes} bytes at once`);
    }
    if (signal.aborted) throw Refusal.from(signal.reason);
    if (this.#waiting.size >= this.#maxWaiting) {
      throw new Refusal('RATE_LIMITED', `${this.#waiting.size} streams wait for their rate here already`, {
        hint: 'raise the rate, or let fewer copies be at work at once (`queue.width` of the hub)',
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { stream, bytes, give: resolve };
    const onAbort = () => {
      // Not in line any more: it was given.
      if (!this.#waiting.delete(waiter)) return;
      reject(Refusal.from(signal.reason));
      this.#look();
    };
    this.#waiting.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#look();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Gives what may be given now, and looks again when there may be more. */
  #look(): void {
    this.#cancelTimer();
    const nowMs = this.#clock.nowMs();
    for (;;) {
      const turn = this.#turn(nowMs);
      if (turn.waiter === undefined) {
        this.#lookAfter(turn.waitMs);
        return;
      }
      const { waiter, places } = turn;
      for (const { bucket, place } of places) bucket.take(waiter.bytes, place, nowMs);
      this.#waiting.delete(waiter);
      waiter.give();
    }
  }

  #lookAfter(waitMs: number): void {
    this.#cancelTimer = () => undefined;
    if (waitMs === Number.POSITIVE_INFINITY) return;
    // Rounded up: a timer that ends too early would only be set again.
    this.#cancelTimer = this.#clock.after(Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS), () => this.#look());
  }

  #turn(nowMs: number): Turn {
    const ahead = new Map<Bucket, Set<Lane>>();
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const waiter of this.#inOrder()) {
      const { buckets, lane } = waiter.stream;
      // While it is paused it keeps its turn, and nobody else from theirs.
      if (buckets.some(({ rate }) => rate === 0)) continue;
      const places = buckets.map((bucket) => {
        const lanes = ahead.get(bucket);
        return { bucket, place: { lane, first: lanes === undefined, firstOfLane: !lanes?.has(lane) } };
      });
      const waitMs = Math.max(...places.map(({ bucket, place }) => bucket.waitMs(place, nowMs)));
      if (waitMs === 0) return { waiter, places };
      soonestMs = Math.min(soonestMs, waitMs);
      for (const bucket of buckets) ahead.set(bucket, (ahead.get(bucket) ?? new Set()).add(lane));
    }
    return { waiter: undefined, waitMs: soonestMs };
  }

  *#inOrder(): Generator<Waiter, void, void> {
    for (const lane of LANES) {
      for (const waiter of this.#waiting) if (waiter.stream.lane === lane) yield waiter;
    }
  }
}
