/** Bytes per second over the last few seconds: steady enough to read, quick enough to believe. */
const SPAN_MS = 5000;

/** Counts what this process itself moves; the hub counts what agents move. */
export class RateMeter {
  readonly #now: () => number;
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** `bytes` is the sum so far. */
  record(bytes: number): void {
    const atMs = this.#now();
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= SPAN_MS)
      this.#samples.shift();
  }

  /** 0 while it is not known. */
  get bytesPerSecond(): number {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }

  /** Undefined while the rate is not known. */
  remainingSeconds(totalBytes: number): number | undefined {
    const rate = this.bytesPerSecond;
    const done = this.#samples.at(-1)?.bytes ?? 0;
    return rate > 0 ? Math.max(0, totalBytes - done) / rate : undefined;
  }
}
