import { DEFAULT_LANE, type Lane } from '../domain/lane.ts';
import { UNLIMITED } from '../domain/rate.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { Clock } from '../pacing/clock.ts';
import { type Pace, Pacer } from '../pacing/pacer.ts';
import type { JobTerms, PacingTerms } from './messages.ts';
import { ToldLimits } from './told-limits.ts';

export interface PacingParts {
  /** The store of this agent. */
  readonly storeId: string;
  readonly clock: Clock;
  /** A rate this agent cannot read, of a store or a job: the one before stays. */
  readonly onUnread: (id: string, refusal: Refusal) => void;
  /** How long somebody waited until it could send. */
  readonly onWaited: (lane: Lane, seconds: number) => void;
}

/** Whom a stream of image data is for. */
export interface StreamUse {
  /** Undefined for the hub, which downloads. */
  readonly toStoreId: string | undefined;
  /** Undefined when no job is behind it. */
  readonly jobId: string | undefined;
}

/** One stream that this agent sends. To be disposed of when it has ended. */
export interface PacedStream extends Disposable {
  /**
   * Settles when so many bytes, 1 MiB at most, may be sent: which may be days. Rejects with a Refusal, at
   * once when `signal` aborts; then nothing counts as sent.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

interface Stream {
  readonly jobId: string | undefined;
  readonly pace: Pace;
  lane: Lane;
}

/**
 * What holds back the image data this agent sends, whoever dialled whom: the rate of its own store, which
 * is that of its link, the rate of the store it sends to, and that of the job. A store that is paused
 * neither sends nor is sent to; what is sent for a job that is paused waits.
 *
 * The hub tells all of it after each welcome and at each change. While the hub is away the last it told
 * holds; a new process begins without.
 */
export class Pacing implements Disposable {
  readonly #parts: PacingParts;
  readonly #pacer: Pacer;
  readonly #stores: ToldLimits;
  readonly #jobs: ToldLimits;
  readonly #streams = new Set<Stream>();
  #jobTerms: ReadonlyMap<string, JobTerms> = new Map();

  constructor(parts: PacingParts) {
    const { storeId, clock, onUnread } = parts;
    const pacer = new Pacer({ clock });
    const limits = { clock, onUnread, makeLimit: () => pacer.limit() };
    this.#parts = parts;
    this.#pacer = pacer;
    this.#stores = new ToldLimits(limits);
    this.#jobs = new ToldLimits(limits);
    this.#stores.keep(storeId, pacer.source);
  }

  /** Frames that wait until they may be sent. */
  get waiting(): number {
    return this.#pacer.waiting;
  }

  /** Limits that are kept, of stores and of jobs. */
  get size(): number {
    return this.#stores.size + this.#jobs.size;
  }

  /** Of stores that have a limit at this moment and were sent something, and of the own one; 0: paused. */
  storeRates(): { readonly storeId: string; readonly bytesPerSecond: number }[] {
    return [...this.#stores.rates()].map(([storeId, bytesPerSecond]) => ({ storeId, bytesPerSecond }));
  }

  /**
   * The most that may go between these stores at any time of the week, in bytes per second; undefined where the
   * hub sets no limit.
   */
  highestRate(storeIds: readonly string[]): number | undefined {
    const rate = Math.min(...storeIds.map((storeId) => this.#stores.highest(storeId)));
    return rate === UNLIMITED ? undefined : rate;
  }

  /** In place of all the hub told before. */
  heed({ stores, jobs }: PacingTerms): void {
    this.#jobTerms = jobs;
    for (const stream of this.#streams) {
      const lane = this.#laneOf(stream.jobId);
      if (lane !== stream.lane) stream.pace.setLane(lane);
      stream.lane = lane;
    }
    this.#stores.tell(stores);
    this.#jobs.tell(jobs);
  }

  stream({ toStoreId, jobId }: StreamUse): PacedStream {
    const uses = new DisposableStack();
    const limits = [];
    if (toStoreId !== undefined) limits.push(uses.use(this.#stores.use(toStoreId)).limit);
    if (jobId !== undefined) limits.push(uses.use(this.#jobs.use(jobId)).limit);
    const lane = this.#laneOf(jobId);
    const stream: Stream = { jobId, lane, pace: this.#pacer.pace(limits, lane) };
    this.#streams.add(stream);
    uses.defer(() => this.#streams.delete(stream));
    return {
      take: (bytes, signal) => this.#take(stream, bytes, signal),
      [Symbol.dispose]: () => uses.dispose(),
    };
  }

  /** Nothing is followed any more; who waits goes on to. */
  [Symbol.dispose](): void {
    this.#stores[Symbol.dispose]();
    this.#jobs[Symbol.dispose]();
  }

  async #take(stream: Stream, bytes: number, signal: AbortSignal): Promise<void> {
    const { clock, onWaited } = this.#parts;
    const fromMs = clock.nowMs();
    try {
      await stream.pace.take(bytes, signal);
    } finally {
      onWaited(stream.lane, (clock.nowMs() - fromMs) / 1000);
    }
  }

  #laneOf(jobId: string | undefined): Lane {
    return (jobId === undefined ? undefined : this.#jobTerms.get(jobId)?.lane) ?? DEFAULT_LANE;
  }
}
