import type { CopySpec } from '../../domain/job.ts';
import { outcomeOf } from '../../domain/rules/index.ts';
import { CANCELLED, type Effect, type JobView, pursue, takeBack, targetAt } from './effects.ts';

/** All stores at once; then, when all had to succeed and one did not, what was made goes again (R7). */
export function planCopy(view: JobView, spec: CopySpec): readonly Effect[] {
  const targets = spec.storeIds.map((storeId) => targetAt(storeId, view));
  const next = pursue(targets, view, spec.allMustSucceed);
  if ('effects' in next) return next.effects;
  const outcome = outcomeOf(next.outcomes, spec.allMustSucceed);
  const back = takeBack(outcome.takeBack, view);
  if (back !== 'done') return back;
  if (outcome.state !== 'succeeded' && view.job.cancelRequested) {
    return [{ do: 'end', state: 'cancelled', reason: CANCELLED }];
  }
  return [{ do: 'end', state: outcome.state, reason: outcome.reason }];
}
