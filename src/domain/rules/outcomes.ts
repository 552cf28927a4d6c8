import type { Copy } from '../copy.ts';
import type { Job, JobState, Reason } from '../job.ts';
import type { StoreRecord } from '../store.ts';
import { isPaused } from './pausing.ts';
import { centralOf, importTargets, isPresent, list } from './view.ts';

/** How one store of a job ended. */
export interface StoreOutcome {
  readonly storeId: string;
  /** 'there': the copy was present before this job came to it. */
  readonly ended: 'made' | 'there' | 'failed';
  readonly reason?: Reason | undefined;
}

export interface JobOutcome {
  readonly state: JobState;
  readonly reason: Reason | undefined;
  /** Copies this job made that are taken back. */
  readonly takeBack: readonly string[];
}

/** R7: a failing store never undoes a good one, unless all were asked to succeed. */
export function outcomeOf(outcomes: readonly StoreOutcome[], allMustSucceed: boolean): JobOutcome {
  // A copy that was stopped because another one failed is a consequence: the cause comes first.
  const failed = outcomes
    .filter((one) => one.ended === 'failed')
    .sort((one, other) => Number(isStopped(one)) - Number(isStopped(other)));
  const [first] = failed;
  if (first === undefined) return { state: 'succeeded', reason: undefined, takeBack: [] };
  const reason: Reason = {
    code: first.reason?.code ?? 'INTERNAL',
    message: failed.map((one) => `${one.storeId}: ${one.reason?.message ?? 'failed'}`).join('; '),
  };
  if (allMustSucceed) {
    const takeBack = outcomes.filter((one) => one.ended === 'made').map((one) => one.storeId);
    return { state: 'failed', reason, takeBack };
  }
  return { state: failed.length === outcomes.length ? 'failed' : 'partial', reason, takeBack: [] };
}

function isStopped({ reason }: StoreOutcome): boolean {
  return reason?.code === 'CANCELLED';
}

/**
 * R12: when an image that is being imported becomes active. With allow-failure as soon as
 * central has it; without, only when every store asked for has it.
 */
export function isImported(
  copies: readonly Copy[],
  stores: readonly StoreRecord[],
  spec: { readonly storeIds: readonly string[]; readonly allMustSucceed: boolean },
): boolean {
  if (!isPresent(copies, centralOf(stores).id)) return false;
  return !spec.allMustSucceed || spec.storeIds.every((id) => isPresent(copies, id));
}

/** R13: what clients of the image API see, as arrays, and as the joined string older ones expect. */
export function importProgress(
  copies: readonly Copy[],
  jobs: readonly Job[],
  stores: readonly StoreRecord[],
): { readonly importingTo: string[]; readonly failed: string[] } {
  const todo = new Set<string>();
  for (const { spec } of jobs) {
    const targets =
      spec.kind === 'import' ? importTargets(spec, stores) : spec.kind === 'copy' ? spec.storeIds : [];
    for (const id of targets) if (!isPresent(copies, id)) todo.add(id);
  }
  const failed = new Set(copies.filter((copy) => copy.state === 'failed').map((copy) => copy.storeId));
  return {
    importingTo: [...todo].filter((id) => !failed.has(id)).sort(),
    failed: [...failed].sort(),
  };
}

/** R5: how many unended jobs of the image come before this one, oldest first. */
export function ahead(job: Job, jobs: readonly Job[]): Job[] {
  return jobs.filter((other) => other.sequence < job.sequence);
}

/** One sentence for a job that waits for others. */
export function waitingSentence(before: readonly Job[]): string {
  const names = before.map((job) => `${job.id} (${job.spec.kind}${isPaused(job) ? ', paused' : ''})`);
  return `waits for job ${list(names)}`;
}
