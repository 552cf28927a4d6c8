import type { ImageStatus } from '../../domain/image.ts';
import {
  isTaskEnded,
  type Job,
  type JobState,
  type Reason,
  type Task,
  type TaskKind,
} from '../../domain/job.ts';
import { Refusal } from '../../domain/refusal.ts';
import {
  type ImageView,
  isPresent,
  requireNotDeactivated,
  type StoreOutcome,
  sourceFor,
} from '../../domain/rules/index.ts';

/** What a plan looks at: the image, the job at the head of its queue, and that job's tasks. */
export interface JobView extends ImageView {
  readonly job: Job;
  readonly tasks: readonly Task[];
  readonly isOnline: (storeId: string) => boolean;
  /** Answers of the sites on clones, when they were asked (R9). */
  readonly children?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** The next things to do for a job; the queue applies them in one transaction and plans again. */
export type Effect =
  | {
      readonly do: 'add-task';
      readonly kind: TaskKind;
      readonly storeId: string;
      readonly sourceStoreId?: string;
    }
  | { readonly do: 'stop-task'; readonly task: Task }
  | { readonly do: 'image'; readonly status: ImageStatus; readonly forgetData?: boolean }
  /** A copy that was held back until central had one (R3) counts from now on. */
  | { readonly do: 'release-copy'; readonly storeId: string }
  /** A copy that is not ours to delete is not counted any more: what lies there stays. */
  | { readonly do: 'forget-copy'; readonly storeId: string }
  | { readonly do: 'delete-copies' }
  | { readonly do: 'ask-children' }
  | { readonly do: 'end'; readonly state: JobState; readonly reason?: Reason | undefined };

export const CANCELLED: Reason = { code: 'CANCELLED', message: 'cancelled' };

/** How the copy to one store stands within a job. */
export type Target =
  | { readonly is: 'ended'; readonly outcome: StoreOutcome }
  | { readonly is: 'pending'; readonly task: Task }
  | { readonly is: 'to-start'; readonly effect: Effect };

/** Where a job's copy to `storeId` stands, and what starts it. `entryStoreId` as in `sourceFor`. */
export function targetAt(storeId: string, view: JobView, entryStoreId?: string): Target {
  const task = copyTasks(view.tasks).get(storeId);
  if (task !== undefined) {
    if (!isTaskEnded(task)) return { is: 'pending', task };
    const ended = task.state === 'done' ? 'made' : 'failed';
    return { is: 'ended', outcome: { storeId, ended, reason: task.reason } };
  }
  if (isPresent(view.copies, storeId)) return { is: 'ended', outcome: { storeId, ended: 'there' } };
  if (view.job.cancelRequested)
    return { is: 'ended', outcome: { storeId, ended: 'failed', reason: CANCELLED } };
  try {
    requireNotDeactivated(view.image);
    const sourceStoreId = sourceFor(storeId, view, entryStoreId);
    return { is: 'to-start', effect: { do: 'add-task', kind: 'copy', storeId, sourceStoreId } };
  } catch (error) {
    const { code, message } = Refusal.from(error);
    return { is: 'ended', outcome: { storeId, ended: 'failed', reason: { code, message } } };
  }
}

/** The tasks that copy, by store; made once for each list, as a job of a thousand stores asks a thousand times. */
function copyTasks(tasks: readonly Task[]): ReadonlyMap<string, Task> {
  const known = COPY_TASKS.get(tasks);
  if (known !== undefined) return known;
  const made = new Map(tasks.filter(({ kind }) => kind === 'copy').map((task) => [task.storeId, task]));
  COPY_TASKS.set(tasks, made);
  return made;
}

const COPY_TASKS = new WeakMap<readonly Task[], ReadonlyMap<string, Task>>();

/** What is next for a set of targets: effects to go on with, or all their outcomes. */
export function pursue(
  targets: readonly Target[],
  view: JobView,
  allMustSucceed: boolean,
): { readonly effects: readonly Effect[] } | { readonly outcomes: readonly StoreOutcome[] } {
  const outcomes = targets.flatMap((one) => (one.is === 'ended' ? [one.outcome] : []));
  const pending = targets.flatMap((one) => (one.is === 'pending' ? [one.task] : []));
  const hopeless = allMustSucceed && outcomes.some((one) => one.ended === 'failed');
  if (view.job.cancelRequested || hopeless) {
    if (pending.length > 0) return { effects: pending.map((task) => ({ do: 'stop-task', task })) };
    return { outcomes };
  }
  const effects = targets.flatMap((one) => (one.is === 'to-start' ? [one.effect] : []));
  return effects.length + pending.length > 0 ? { effects } : { outcomes };
}

/**
 * Removes copies that this job made: effects to go on with, or 'done'. Such a delete is tried until it
 * is done, so that one which failed is one whose store was removed.
 */
export function takeBack(storeIds: readonly string[], view: JobView): readonly Effect[] | 'done' {
  const deletes = new Map(view.tasks.filter((one) => one.kind === 'delete').map((one) => [one.storeId, one]));
  const effects: Effect[] = storeIds
    .filter((storeId) => !deletes.has(storeId))
    .map((storeId) => ({ do: 'add-task', kind: 'delete', storeId }));
  const over = storeIds.every((storeId) => {
    const task = deletes.get(storeId);
    return task !== undefined && isTaskEnded(task);
  });
  return over ? 'done' : effects;
}
