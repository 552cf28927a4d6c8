import { setTimeout as delay } from 'node:timers/promises';

/** How many calls, how fast, and how long each took. */
export interface CallFigures {
  readonly calls: number;
  readonly failures: number;
  /** Why the first of those failed. */
  readonly firstFailure: string | undefined;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface CallPlan {
  /** Each has one call under way, and makes the next as soon as it is answered. */
  readonly callers: number;
  /** Ends when it says so, asked before each call with the number of calls made so far and the time since the first. */
  readonly until: (calls: number, elapsedMs: number) => boolean;
  /** Between an answer and the next call. None when left out. */
  readonly pauseMs?: number;
  readonly signal: AbortSignal;
}

/** Makes calls and takes the time of each. A call that fails is counted, and its time is not. */
export async function measureCalls(
  call: (index: number) => Promise<unknown>,
  { callers, until, pauseMs = 0, signal }: CallPlan,
): Promise<CallFigures> {
  const times: number[] = [];
  let made = 0;
  let failures = 0;
  let firstFailure: string | undefined;
  const beganMs = performance.now();
  const caller = async () => {
    while (!until(made, performance.now() - beganMs)) {
      signal.throwIfAborted();
      const index = made++;
      const startMs = performance.now();
      try {
        await call(index);
        times.push(performance.now() - startMs);
      } catch (error) {
        failures++;
        firstFailure ??= error instanceof Error ? error.message : String(error);
      }
      if (pauseMs > 0) await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsedSeconds = (performance.now() - beganMs) / 1000;
  return figuresOf(times, elapsedSeconds, failures, firstFailure);
}

function figuresOf(
  timesMs: readonly number[],
  elapsedSeconds: number,
  failures = 0,
  firstFailure?: string,
): CallFigures {
  const sorted = [...timesMs].sort((one, other) => one - other);
  return {
    calls: sorted.length + failures,
    failures,
    firstFailure,
    perSecond: elapsedSeconds > 0 ? sorted.length / elapsedSeconds : 0,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
  };
}

/** The smallest of the values that at least this share of them does not exceed; NaN of none. Values rise. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
