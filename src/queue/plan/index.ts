import { planCopy } from './copy.ts';
import { planDelete, planDeleteCopy } from './delete.ts';
import type { Effect, JobView } from './effects.ts';
import { planImport } from './import.ts';

/**
 * What is next for the job at the head of an image's queue. Pure, computed anew from what
 * the catalogue holds each time, and never stored: a crash loses no plan. No effects means
 * that the job waits for its tasks.
 */
export function plan(view: JobView): readonly Effect[] {
  const { spec } = view.job;
  switch (spec.kind) {
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

export type { Effect, JobView };
