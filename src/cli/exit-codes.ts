import { isRefusalCode, Refusal, type RefusalCode, type RuleNumber } from '../domain/refusal.ts';
import { stateWords } from './output/progress.ts';
import { printable } from './output/units.ts';
import type { Job } from './wire.ts';

/** What the process ends with, by what went wrong. Documented in docs/errors.md and in `--help`. */
export const EXIT_CODES: Readonly<Record<RefusalCode, number>> = {
  INTERNAL: 1,
  INVALID: 2,
  UNSUPPORTED: 2,
  NOT_FOUND: 3,
  CONFLICT: 4,
  ALREADY_EXISTS: 4,
  IN_USE: 4,
  FORBIDDEN: 5,
  UNAUTHENTICATED: 5,
  UNAVAILABLE: 6,
  TIMEOUT: 6,
  RATE_LIMITED: 6,
  NO_SPACE: 7,
  CORRUPT: 8,
  CANCELLED: 9,
};

/** A job that was waited for: some of its stores failed. */
const EXIT_JOB_PARTIAL = 10;
/** A job that was waited for failed, and the hub gave no code for it. */
const EXIT_JOB_FAILED = 11;
/** As shells have it: 128 and the signal's number. */
export const EXIT_INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const;

export const EXIT_CODE_HELP = `Exit codes:
    0  done
    1  a fault of ours (INTERNAL)
    2  the command or request makes no sense (INVALID, UNSUPPORTED)
    3  not there (NOT_FOUND)
    4  not in this state (CONFLICT, ALREADY_EXISTS, IN_USE)
    5  not allowed (FORBIDDEN, UNAUTHENTICATED)
    6  no answer; it may work later (UNAVAILABLE, TIMEOUT, RATE_LIMITED)
    7  a pool or disk is full (NO_SPACE)
    8  bytes are not what their digest says (CORRUPT)
    9  cancelled (CANCELLED)
   10  the job that was waited for did not reach all stores
   11  the job that was waited for failed for another reason
  130  interrupted with Ctrl-C; a job goes on
`;

/** A job that was waited for and did not end well. Its exit code is that of its reason. */
export class JobEndedError extends Error {
  override readonly name = 'JobEndedError';
  readonly job: Job;
  readonly code: RefusalCode | 'JOB_PARTIAL' | 'JOB_FAILED';
  readonly exitCode: number;
  readonly hint: string;

  constructor(job: Job) {
    super(`job ${job.id} ${stateWords(job.state)}${job.reason === '' ? '' : `: ${job.reason}`}`);
    this.job = job;
    this.code = codeOf(job);
    this.exitCode = exitCodeOfJob(job);
    this.hint = `\`entrepot job show ${job.id}\` shows what became of each store`;
  }
}

/** A signal ended a wait. The hint says what goes on without us. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly code = 'INTERRUPTED';
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(signal: keyof typeof EXIT_INTERRUPTED, message: string, hint?: string) {
    super(message);
    this.exitCode = EXIT_INTERRUPTED[signal];
    this.hint = hint;
  }
}

/** 0 for one that succeeded; of an ended job only. */
export function exitCodeOfJob(job: Pick<Job, 'state' | 'reasonCode'>): number {
  const code = job.state === 'succeeded' ? 'OK' : codeOf(job);
  if (code === 'OK') return 0;
  if (code === 'JOB_PARTIAL') return EXIT_JOB_PARTIAL;
  return code === 'JOB_FAILED' ? EXIT_JOB_FAILED : EXIT_CODES[code];
}

function codeOf(job: Pick<Job, 'state' | 'reasonCode'>): RefusalCode | 'JOB_PARTIAL' | 'JOB_FAILED' {
  if (job.state === 'partial') return 'JOB_PARTIAL';
  if (job.state === 'cancelled') return 'CANCELLED';
  return isRefusalCode(job.reasonCode) ? job.reasonCode : 'JOB_FAILED';
}

/** What a person or a script is told about a failure, whatever it was. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly rule: RuleNumber | undefined;
  readonly jobId: string | undefined;
  readonly exitCode: number;
}

export function complaintOf(error: unknown): Complaint {
  if (error instanceof JobEndedError || error instanceof InterruptedError) {
    const { code, message, hint, exitCode } = error;
    const jobId = error instanceof JobEndedError ? error.job.id : undefined;
    return { code, message, hint, rule: undefined, jobId, exitCode };
  }
  const { code, message, hint, rule } = Refusal.from(error);
  return { code, message, hint, rule, jobId: undefined, exitCode: EXIT_CODES[code] };
}

/** The text form, on stderr. */
export function complaintText(complaint: Complaint, requestId: string | undefined): string {
  const rule = complaint.rule === undefined ? '' : ` (rule ${complaint.rule})`;
  const told = [`entrepot: ${lines(complaint.message)}${rule}`];
  if (complaint.hint !== undefined) told.push(`hint: ${lines(complaint.hint)}`);
  if (requestId !== undefined) told.push(`request id: ${requestId}`);
  return `${told.join('\n')}\n`;
}

/** A configuration may be wrong in more than one line. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The form under `-o json`, one line on stderr. */
export function complaintJson(complaint: Complaint, requestId: string | undefined): string {
  const error = {
    code: complaint.code,
    message: complaint.message,
    hint: complaint.hint ?? null,
    rule: complaint.rule ?? null,
    job_id: complaint.jobId ?? null,
    request_id: requestId ?? null,
    exit_code: complaint.exitCode,
  };
  return `${JSON.stringify({ error })}\n`;
}
