import { isTaskEnded, type StageSpec } from '../../domain/job.ts';
import { CANCELLED, type Effect, type JobView } from './effects.ts';

/**
 * A file is put beside the store. While it lies there the image is `uploading`, as Glance has it, until an import
 * takes it in; what stops before its end leaves the record as it was.
 */
export function planStage({ job, tasks }: JobView, spec: StageSpec): readonly Effect[] {
  const [task] = tasks;
  if (task === undefined) {
    if (job.cancelRequested) return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
    return [
      { do: 'image', status: 'uploading' },
      { do: 'add-task', kind: 'stage', storeId: spec.storeId },
    ];
  }
  if (!isTaskEnded(task)) return job.cancelRequested ? [{ do: 'stop-task', task }] : [];
  if (task.state === 'done') return [{ do: 'end', state: 'succeeded' }];
  const [state, reason] = job.cancelRequested
    ? (['cancelled', CANCELLED] as const)
    : (['failed', task.reason] as const);
  return [
    { do: 'image', status: 'queued', forgetData: true },
    { do: 'end', state, reason },
  ];
}
