/** Time, as pacing needs it. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  epochMs(): number;
  /** Calls `wake` once, so much later; at most 24 days. What it returns takes that back. */
  after(delayMs: number, wake: () => void): () => void;
}

/** Its timers keep no process alive. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
