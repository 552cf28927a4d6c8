import { type DeleteCopySpec, isTaskEnded } from '../../domain/job.ts';
import { Refusal } from '../../domain/refusal.ts';
import { nextToDelete, requireCopyDeletable, requireNoClones } from '../../domain/rules/index.ts';
import { CANCELLED, type Effect, type JobView } from './effects.ts';

/**
 * One store's copy. The rule is asked again: jobs before this one may have changed its answer
 * (R8). Once an agent was told to delete there is no way back, since nobody can say how far it
 * is: such a job cannot be cancelled any more.
 */
export function planDeleteCopy(view: JobView, spec: DeleteCopySpec): readonly Effect[] {
  const [task] = view.tasks;
  if (task === undefined) {
    if (view.job.cancelRequested) return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
    const refusal = refused(() => requireCopyDeletable(spec.storeId, { ...view, jobs: [] }));
    return refusal ?? [{ do: 'add-task', kind: 'delete', storeId: spec.storeId }];
  }
  if (!isTaskEnded(task)) return view.job.cancelRequested ? [{ do: 'stop-task', task }] : [];
  if (task.state === 'done') return [{ do: 'end', state: 'succeeded' }];
  const state = view.job.cancelRequested ? 'cancelled' : 'failed';
  return [{ do: 'end', state, reason: task.reason }];
}

/**
 * The whole image (R9): the sites that answer are asked about clones; then the image is
 * gone for readers, edges go first, then central. From there on there is no way back, and
 * each site's delete is tried until it is done.
 */
export function planDelete(view: JobView): readonly Effect[] {
  if (view.image.status !== 'pending_delete') {
    if (view.job.cancelRequested) return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
    const { children } = view;
    if (children === undefined) return [{ do: 'ask-children' }];
    const refusal = refused(() => requireNoClones(view.image.id, children, 'R9'));
    return refusal ?? [{ do: 'image', status: 'pending_delete' }, { do: 'delete-copies' }];
  }
  if (view.copies.length === 0) {
    return [
      { do: 'image', status: 'deleted' },
      { do: 'end', state: 'succeeded' },
    ];
  }
  const begun = new Set(view.tasks.map((task) => task.storeId));
  return nextToDelete(view, view.isOnline)
    .filter((storeId) => !begun.has(storeId))
    .map((storeId) => ({ do: 'add-task', kind: 'delete', storeId }));
}

function refused(rule: () => void): readonly Effect[] | undefined {
  try {
    rule();
    return undefined;
  } catch (error) {
    const { code, message } = Refusal.from(error);
    return [{ do: 'end', state: 'failed', reason: { code, message } }];
  }
}
