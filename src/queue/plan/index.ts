import type { Job } from '../../domain/job.ts';
import { planCopy } from './copy.ts';
import { planDelete, planDeleteCopy } from './delete.ts';
import type { Effect, JobView } from './effects.ts';
import { planImport } from './import.ts';
import { planStage } from './stage.ts';

/**
 * What is next for the job at the head of an image's queue. Pure, computed anew from what
 * the catalogue holds each time, and never stored: a crash loses no plan. No effects means
 * that the job waits for its tasks.
 */
export function plan(view: JobView): readonly Effect[] {
  const { spec } = view.job;
  switch (spec.kind) {
    case 'stage':
      return planStage(view, spec);
    case 'import':
      return planImport(view, spec);
    case 'copy':
      return planCopy(view, spec);
    case 'delete-copy':
      return planDeleteCopy(view, spec);
    case 'delete':
      return planDelete(view);
  }
}

/**
 * Whether a job has nothing to do but wait while a task of it is pending, as long as none fails: all that
 * could be begun was, and who is online does not matter to it. Such a job is not planned anew for each of a
 * thousand tasks that is done.
 */
export function onlyWaits({ spec, cancelRequested }: Job): boolean {
  return !cancelRequested && (spec.kind === 'copy' || spec.kind === 'import');
}

/** Whether a job may stop tasks because others failed: one that was at work may be given up once its site is away. */
export function mayStopTasks({ spec, cancelRequested }: Job): boolean {
  return cancelRequested || ('allMustSucceed' in spec && spec.allMustSucceed);
}

export type { Effect, JobView };
