import type { Phase, Progress, Task } from '../domain/job.ts';
import type { Progress as WireProgress } from '../rpc/generated/entrepot/v1/Progress.ts';

/** Rates are averaged over about this long: steady enough to read, quick enough to be true. */
const RATE_WINDOW_MS = 5_000;

interface Entry {
  readonly attempt: number;
  readonly imageId: string;
  readonly storeId: string;
  progress: Progress;
  rateBytesPerSecond: number;
  atMs: number;
}

/**
 * How far every attempt at work is, as its agent said last. In memory only: an agent that
 * attaches to the next hub says it again.
 */
export class ProgressBoard {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True when this is the first that is heard of the attempt. */
  report(task: Pick<Task, 'id' | 'imageId' | 'storeId'>, attempt: number, progress: Progress): boolean {
    const atMs = this.#now();
    const before = this.#entries.get(task.id);
    if (before === undefined || before.attempt !== attempt) {
      const { imageId, storeId } = task;
      this.#entries.set(task.id, { attempt, imageId, storeId, progress, rateBytesPerSecond: 0, atMs });
      return true;
    }
    before.rateBytesPerSecond = rateAfter(before, progress, atMs);
    before.progress = progress;
    before.atMs = atMs;
    return false;
  }

  knows(taskId: string, attempt: number): boolean {
    return this.#entries.get(taskId)?.attempt === attempt;
  }

  /** The attempt is over. */
  clear(taskId: string): void {
    this.#entries.delete(taskId);
  }

  /** Nothing more will be heard of this store's attempts, for now. */
  clearStore(storeId: string): void {
    for (const [taskId, entry] of this.#entries) if (entry.storeId === storeId) this.#entries.delete(taskId);
  }

  view(taskId: string): WireProgress | undefined {
    const entry = this.#entries.get(taskId);
    if (entry === undefined) return undefined;
    const { progress, rateBytesPerSecond } = entry;
    const leftBytes = progress.totalBytes - progress.doneBytes;
    return {
      ...progress,
      rateBytesPerSecond,
      ...(rateBytesPerSecond > 0 && { remainingSeconds: leftBytes / rateBytesPerSecond }),
      updatedAtMs: entry.atMs,
    };
  }

  /** Every attempt at work that moves bytes. */
  inFlight(): { imageId: string; storeId: string; phase: Phase; doneBytes: number; sizeBytes: number }[] {
    return [...this.#entries.values()].map(({ imageId, storeId, progress }) => ({
      imageId,
      storeId,
      phase: progress.phase,
      doneBytes: progress.doneBytes,
      sizeBytes: progress.totalBytes,
    }));
  }
}

/** An exponential average; a new phase counts its bytes from the start, so its rate starts anew. */
function rateAfter(before: Entry, progress: Progress, atMs: number): number {
  const elapsedMs = atMs - before.atMs;
  const movedBytes = progress.doneBytes - before.progress.doneBytes;
  if (progress.phase !== before.progress.phase || movedBytes < 0) return 0;
  if (elapsedMs <= 0) return before.rateBytesPerSecond;
  const rate = (movedBytes * 1000) / elapsedMs;
  if (before.rateBytesPerSecond === 0) return rate;
  const weight = 1 - Math.exp(-elapsedMs / RATE_WINDOW_MS);
  return before.rateBytesPerSecond + weight * (rate - before.rateBytesPerSecond);
}
