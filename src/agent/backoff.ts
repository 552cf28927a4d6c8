/** How long to wait before the next try. */
export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Exponential with full jitter: a hub that comes back is not met by all agents in one
 * instant, and a site that lost one packet is back in a quarter of a second.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The wait after one more failure that time may heal, in milliseconds. */
  next(): number {
    const ceiling = Math.min(this.#limits.maxMs, this.#limits.minMs * 2 ** this.#failures);
    this.#failures += 1;
    return this.#random() * ceiling;
  }

  /** The wait after a refusal that only a person can heal: near the maximum, so that logs stay readable. */
  slow(): number {
    return this.#limits.maxMs * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
