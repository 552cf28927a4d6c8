/** Nothing heard for so long: nothing moves. Long enough to read, short enough to believe. */
export const RATE_WINDOW_MS = 5_000;

/** Reports of what moves come closer together than this: until then the newest is as good as one of now. */
const FRESH_MS = 1_000;

/** A rate is of this span before what is heard last. */
const SPAN_MS = RATE_WINDOW_MS - FRESH_MS;

/** What is known of less time than this is no rate yet. */
const SHORTEST_MS = 250;

/** Sums closer together than this are kept as one, so that few are kept. */
const APART_MS = 200;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * Bytes per second over the last seconds, from a sum that grows. Not an average since the start: what
 * stood still for a while and goes on shows within seconds how fast it goes on, and what stands still
 * shows 0 after RATE_WINDOW_MS.
 */
export class RecentRate {
  #samples: Sample[] = [];

  /** `bytes`: the sum so far. One that falls begins anew. `atMs` of a clock that was set back counts as the last. */
  record(bytes: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last === undefined || bytes < last.bytes) {
      this.#samples = [{ atMs, bytes }];
      return;
    }
    const sample = { atMs: Math.max(atMs, last.atMs), bytes };
    const before = this.#samples.at(-2);
    if (before !== undefined && sample.atMs - before.atMs < APART_MS) this.#samples.pop();
    this.#samples.push(sample);
    const neededFromMs = sample.atMs - SPAN_MS;
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= neededFromMs) this.#samples.shift();
  }

  /** Undefined while it is not known. Finite, never negative; 0: it stands still. */
  at(nowMs: number): number | undefined {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    if (nowMs - last.atMs >= RATE_WINDOW_MS) return 0;
    const toMs = Math.max(last.atMs, nowMs - FRESH_MS);
    const fromMs = Math.max(first.atMs, toMs - SPAN_MS);
    if (first === last || toMs - fromMs < SHORTEST_MS) return undefined;
    return ((last.bytes - this.#sumAt(fromMs)) * 1000) / (toMs - fromMs);
  }

  /** Between two samples: as if it had grown evenly. */
  #sumAt(atMs: number): number {
    const below = this.#samples.findLast((sample) => sample.atMs <= atMs);
    const above = this.#samples.find((sample) => sample.atMs > atMs);
    if (below === undefined || above === undefined) return (below ?? above)?.bytes ?? 0;
    const share = (atMs - below.atMs) / (above.atMs - below.atMs);
    return below.bytes + share * (above.bytes - below.bytes);
  }
}
