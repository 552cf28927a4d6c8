import { RecentRate } from '../../domain/recent-rate.ts';

/** Counts what this process itself moves; the hub counts what agents move. */
export class RateMeter {
  readonly #now: () => number;
  readonly #recent = new RecentRate();
  #doneBytes = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** `bytes` is the sum so far. */
  record(bytes: number): void {
    this.#doneBytes = bytes;
    this.#recent.record(bytes, this.#now());
  }

  /** Over the last seconds. Undefined while it is not known. */
  get bytesPerSecond(): number | undefined {
    return this.#recent.at(this.#now());
  }

  /** Undefined while the rate is not known, and while nothing moves. */
  remainingSeconds(totalBytes: number): number | undefined {
    const rate = this.bytesPerSecond ?? 0;
    return rate > 0 ? Math.max(0, totalBytes - this.#doneBytes) / rate : undefined;
  }
}
