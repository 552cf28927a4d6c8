import { UNLIMITED } from '../domain/rate.ts';
import { Bucket } from './bucket.ts';
import type { Clock } from './clock.ts';

/**
 * How much may pass in a second: of a store, of a job, of a whole source. It may change at any moment,
 * and holds at once, also for those who wait. Made by `Pacer.limit`.
 */
export class Limit {
  readonly bucket: Bucket;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #bytesPerSecond: number;
  #paused = false;

  constructor(bytesPerSecond: number, clock: Clock, onChange: () => void) {
    this.bucket = new Bucket(checked(bytesPerSecond), clock.nowMs());
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** In bytes per second: UNLIMITED, or 0 while it is paused. */
  get rate(): number {
    return this.bucket.rate;
  }

  /** Bytes per second, above 0; UNLIMITED. While it is paused, the rate it will have afterwards. */
  setRate(bytesPerSecond: number): void {
    this.#bytesPerSecond = checked(bytesPerSecond);
    this.#apply();
  }

  /** Nothing passes, until `resume`. */
  pause(): void {
    this.#paused = true;
    this.#apply();
  }

  resume(): void {
    this.#paused = false;
    this.#apply();
  }

  #apply(): void {
    const rate = this.#paused ? 0 : this.#bytesPerSecond;
    if (rate === this.bucket.rate) return;
    this.bucket.setRate(rate, this.#clock.nowMs());
    this.#onChange();
  }
}

function checked(bytesPerSecond: number): number {
  if (bytesPerSecond > 0 && bytesPerSecond <= UNLIMITED) return bytesPerSecond;
  throw new RangeError(`a rate of ${bytesPerSecond} bytes per second`);
}
