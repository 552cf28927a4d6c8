import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/pacing/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that a test moves. */
export class FakeClock implements Clock {
  /** Of the epoch at the beginning; to set the clock, change it. */
  epochOffsetMs: number;
  /** How many timers have ended. */
  woken = 0;
  /** How much later than asked for timers end. */
  lateMs = 0;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  constructor(epochMs = Date.UTC(2026, 10, 20)) {
    this.epochOffsetMs = epochMs;
  }

  /** Timers that run. */
  get timers(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  epochMs(): number {
    return this.epochOffsetMs + this.#nowMs;
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs + this.lateMs, wake };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets so much time pass; whoever is woken, and what comes of it, is done before time goes on. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await turn();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.woken += 1;
      next.wake();
      await turn();
    }
    this.#nowMs = endMs;
  }
}
