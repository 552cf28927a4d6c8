import { type Job, type Reason, type Task, takesUpload } from '../domain/job.ts';
import type { RefusalCode } from '../domain/refusal.ts';

export interface RetryPolicy {
  /** Attempts of a task that may fail before it is given up. */
  readonly maxAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** For so long an upload that broke off is kept for whoever comes back with its bytes; 0: not at all. */
  readonly uploadKeepMs: number;
}

/** What happens after an attempt failed. */
export type Verdict =
  /** `counts`: against the limit of attempts. `afterMs`: not before, instead of the delay that is usual. */
  { readonly again: true; readonly counts: boolean; readonly afterMs?: number } | { readonly again: false };

const AGAIN: Verdict = { again: true, counts: false };
const GIVE_UP: Verdict = { again: false };

/** The site or its peer did not answer, or asked to wait: it will answer one day, so this never counts. */
const AWAY: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);
/**
 * The same attempt may end well without anyone changing anything. Who was not let in had a ticket or
 * certificate that ran out, while the hub was away say: the next attempt has new ones.
 */
const MENDABLE: ReadonlySet<RefusalCode> = new Set(['CORRUPT', 'INTERNAL', 'UNAUTHENTICATED', 'FORBIDDEN']);

/** Of a source that is not ours: another attempt may find it as it should be. */
const PASSING: ReadonlySet<RefusalCode> = new Set([...AWAY, 'CORRUPT', 'INTERNAL', 'CONFLICT']);

/**
 * Whether a failed attempt is repeated.
 *
 * - What takes an upload in is, once, when the operator or the agent went away: the rest of the bytes comes
 *   from an operator's file, so it is kept for so long as the policy says, and given up when nobody has come by
 *   then. An operator who comes back has it tried at once, and all this begins anew (`Queue.uploaderCame`).
 * - An import from anywhere else is, so many times as the limit says: that a server does not answer is told
 *   before its image is waited for for ever.
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
  if (task.kind === 'stage' || task.kind === 'ingest') {
    if (takesUpload(job.spec)) return uploadAgain(task, code, policy);
    return PASSING.has(code) ? countedAgain(task, policy) : GIVE_UP;
  }
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

function uploadAgain({ failures }: Task, code: RefusalCode, { uploadKeepMs }: RetryPolicy): Verdict {
  const isKept = AWAY.has(code) && failures === 0 && uploadKeepMs > 0;
  return isKept ? { again: true, counts: true, afterMs: uploadKeepMs } : GIVE_UP;
}

function countedAgain(task: Task, policy: RetryPolicy): Verdict {
  return task.failures + 1 < policy.maxAttempts ? { again: true, counts: true } : GIVE_UP;
}

/** Doubles with every attempt up to the ceiling; half of it is chance, so that sites do not come in step. */
export function delayMs(attempt: number, policy: RetryPolicy, random: () => number): number {
  const full = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full / 2 + (full / 2) * random());
}
