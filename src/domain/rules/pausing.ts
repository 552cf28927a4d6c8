import { isEnded, type Job, type Task } from '../job.ts';
import { Refusal } from '../refusal.ts';
import type { StoreRecord } from '../store.ts';

/** CONFLICT for a job whose pace does not matter any more. */
export function requirePaceable(job: Pick<Job, 'id' | 'state' | 'cancelRequested'>): void {
  if (isEnded(job)) throw new Refusal('CONFLICT', `job ${job.id} has already ended: ${job.state}`);
  if (job.cancelRequested) throw new Refusal('CONFLICT', `job ${job.id} is being cancelled`);
}

/** The stores that image data moves neither to nor from. */
export function pausedStores(stores: readonly StoreRecord[]): ReadonlySet<string> {
  return new Set(stores.filter((store) => store.pausedAtMs !== undefined).map((store) => store.id));
}

/** Whichever of `paused` a task would move image data to or from; deletes go on. */
export function pausedStoreOf(
  { kind, storeId, sourceStoreId }: Pick<Task, 'kind' | 'storeId' | 'sourceStoreId'>,
  paused: ReadonlySet<string>,
): string | undefined {
  if (kind === 'delete') return undefined;
  if (paused.has(storeId)) return storeId;
  return sourceStoreId !== undefined && paused.has(sourceStoreId) ? sourceStoreId : undefined;
}

/** A paused job begins nothing, and holds what runs, until it is resumed; or cancelled, to take back what it made. */
export function isPaused(job: Pick<Job, 'pausedAtMs' | 'cancelRequested'>): boolean {
  return job.pausedAtMs !== undefined && !job.cancelRequested;
}

/** What keeps a task from moving on, as a sentence; undefined: no pause does. */
export function heldBy(
  task: Pick<Task, 'kind' | 'storeId' | 'sourceStoreId'>,
  job: Pick<Job, 'pausedAtMs' | 'cancelRequested'>,
  paused: ReadonlySet<string>,
): string | undefined {
  if (isPaused(job)) return 'the job is paused';
  const storeId = pausedStoreOf(task, paused);
  return storeId && `store ${storeId} is paused`;
}
