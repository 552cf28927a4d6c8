import type { Phase, Progress, Task } from '../domain/job.ts';
import { RecentRate } from '../domain/recent-rate.ts';
import type { Progress as WireProgress } from '../rpc/generated/entrepot/v1/Progress.ts';
import type { CopyInFlight } from '../telemetry/transfer-gauges.ts';

/** Phases that are as long as their bytes; the others have no rate. */
const MOVING: ReadonlySet<Phase> = new Set([
  'fetching',
  'staging',
  'decompressing',
  'converting',
  'hashing',
  'transferring',
  'verifying',
]);

interface Entry {
  readonly attempt: number;
  readonly imageId: string;
  readonly storeId: string;
  progress: Progress;
  /** Of the phase it is in: each counts bytes of its own. */
  rate: RecentRate;
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
    const known = before?.attempt === attempt ? before : undefined;
    const rate = known?.progress.phase === progress.phase ? known.rate : new RecentRate();
    rate.record(movedBytes(progress), atMs);
    const { imageId, storeId } = task;
    this.#entries.set(task.id, { attempt, imageId, storeId, progress, rate, atMs });
    return known === undefined;
  }

  knows(taskId: string, attempt: number): boolean {
    return this.#entries.get(taskId)?.attempt === attempt;
  }

  /** What was said last of a task at work. */
  lastOf(taskId: string): Progress | undefined {
    return this.#entries.get(taskId)?.progress;
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
    const { compression = '', ...progress } = entry.progress;
    const rate = this.#rateOf(entry);
    return {
      ...progress,
      compression,
      ...(rate !== undefined && { rateBytesPerSecond: rate }),
      ...(rate !== undefined && rate > 0 && { remainingSeconds: leftBytes(progress) / rate }),
      updatedAtMs: entry.atMs,
    };
  }

  /** Every attempt at work that brings bytes; a delete brings none. */
  inFlight(): CopyInFlight[] {
    const bringing = [...this.#entries.values()].filter(({ progress }) => progress.phase !== 'removing');
    return bringing.map((entry) => ({
      imageId: entry.imageId,
      storeId: entry.storeId,
      phase: entry.progress.phase,
      doneBytes: entry.progress.doneBytes,
      sizeBytes: entry.progress.totalBytes,
      rateBytesPerSecond: this.#rateOf(entry),
    }));
  }

  /** Whole bytes: no report is more exact. */
  #rateOf({ rate, progress }: Entry): number | undefined {
    if (!MOVING.has(progress.phase)) return undefined;
    const bytesPerSecond = rate.at(this.#now());
    return bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond);
  }
}

/**
 * What is still to move. A chunk that holds zeros besides its data comes as its data alone: of those that are
 * still to come as much is taken to be data as of those that came.
 */
function leftBytes({ phase, totalBytes, doneBytes, resumedBytes, receivedBytes }: Progress): number {
  const left = Math.max(0, totalBytes - doneBytes);
  const cameBytes = doneBytes - resumedBytes;
  return phase === 'transferring' && cameBytes > 0 ? left * Math.min(1, receivedBytes / cameBytes) : left;
}

/**
 * What its rate counts. Of a transfer what has arrived: it grows by frames, not by chunks, and what is taken
 * over from an earlier attempt is not in it.
 */
function movedBytes({ phase, receivedBytes, doneBytes }: Progress): number {
  return phase === 'transferring' ? receivedBytes : doneBytes;
}
