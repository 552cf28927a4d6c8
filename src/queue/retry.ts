import type { Job, Reason, Task } from '../domain/job.ts';
import type { RefusalCode } from '../domain/refusal.ts';

export interface RetryPolicy {
  /** Attempts of a task that may fail before it is given up. */
  readonly maxAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** What happens after an attempt failed. */
export type Verdict =
  /** `counts`: against the limit of attempts. */
  { readonly again: true; readonly counts: boolean } | { readonly again: false };

const AGAIN: Verdict = { again: true, counts: false };
const GIVE_UP: Verdict = { again: false };

/** The site or its peer did not answer, or asked to wait: it will answer one day, so this never counts. */
const AWAY: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);
/**
 * The same attempt may end well without anyone changing anything. Who was not let in had a ticket or
 * certificate that ran out, while the hub was away say: the next attempt has new ones.
 */
const MENDABLE: ReadonlySet<RefusalCode> = new Set(['CORRUPT', 'INTERNAL', 'UNAUTHENTICATED', 'FORBIDDEN']);

/**
 * Whether a failed attempt is repeated.
 *
 * - An ingest is not: the bytes come from an operator's file, which only the operator can
 *   send again.
 * - A delete that has no way back (a whole image, or copies taken back) is repeated until done.
 * - An image born at an edge is sent to central until central has it, or someone cancels:
 *   giving up would throw away what was uploaded (R3).
 */
export function judge(
  task: Task,
  job: Job,
  reason: Reason,
  policy: RetryPolicy,
  isToCentral: boolean,
): Verdict {
  const { code } = reason;
  if (task.kind === 'ingest') return GIVE_UP;
  if (task.kind === 'delete') {
    if (job.spec.kind !== 'delete-copy') return AGAIN;
    if (AWAY.has(code)) return AGAIN;
    return code === 'IN_USE' ? GIVE_UP : countedAgain(task, policy);
  }
  if (code === 'CANCELLED') return GIVE_UP;
  if (AWAY.has(code)) return AGAIN;
  const isEdgeBorn = job.spec.kind === 'import' && isToCentral;
  if (isEdgeBorn && (code === 'NO_SPACE' || MENDABLE.has(code))) return AGAIN;
  return MENDABLE.has(code) ? countedAgain(task, policy) : GIVE_UP;
}

function countedAgain(task: Task, policy: RetryPolicy): Verdict {
  return task.failures + 1 < policy.maxAttempts ? { again: true, counts: true } : GIVE_UP;
}

/** Doubles with every attempt up to the ceiling; half of it is chance, so that sites do not come in step. */
export function delayMs(attempt: number, policy: RetryPolicy, random: () => number): number {
  const full = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (full / 2) * random());
}
