import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../domain/refusal.ts';
import { JobEndedError } from './exit-codes.ts';
import type { HubConnection } from './hub-connection.ts';
import { Interruption } from './interruption.ts';
import { jobLines, type ProgressPrinter } from './output/progress.ts';
import type { Session } from './session.ts';
import type { Job } from './wire.ts';

/** Between two tries to reach a hub that went away. */
const REDIAL_MS = 1000;

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** How long the hub may be away before the wait is given up. The job goes on without us. */
  readonly awayMs: number;
  /** Told once for each time the hub goes away. */
  readonly onAway: (sentence: string) => void;
}

/**
 * Every change of a job until it has ended, last the ended one. Survives a restart of the hub:
 * jobs do. Throws the signal's abort as CANCELLED.
 */
export async function* jobChanges(
  hub: HubConnection,
  jobId: string,
  { signal, awayMs, onAway }: FollowOptions,
): AsyncGenerator<Job> {
  let awaySinceMs: number | undefined;
  while (true) {
    let failure = new Refusal('UNAVAILABLE', `the hub stopped telling about job ${jobId}`);
    try {
      for await (const job of hub.watchJob(jobId, signal)) {
        awaySinceMs = undefined;
        yield job;
        if (hasEnded(job)) return;
      }
    } catch (error) {
      failure = Refusal.from(error);
      if (failure.code !== 'UNAVAILABLE') throw failure;
    }
    if (awaySinceMs === undefined)
      onAway(`${failure.message}; the job goes on, and so does this wait as soon as the hub is back`);
    // Before that it was there, if only to say nothing of a job that waits.
    awaySinceMs ??= Date.now();
    if (Date.now() - awaySinceMs >= awayMs) throw goesOn(failure, jobId);
    await sleep(REDIAL_MS, undefined, { signal });
  }
}

function goesOn(failure: Refusal, jobId: string): Refusal {
  return new Refusal('UNAVAILABLE', failure.message, {
    hint: `the job goes on without us; \`entrepot job watch ${jobId}\` shows it again`,
    cause: failure,
  });
}

/** Shows a job until it has ended. */
async function followJob(
  hub: HubConnection,
  first: Job,
  printer: ProgressPrinter,
  options: FollowOptions,
): Promise<Job> {
  let job = first;
  printer.show({ job, lines: jobLines(job) });
  try {
    if (!hasEnded(job)) {
      for await (job of jobChanges(hub, first.id, options)) printer.show({ job, lines: jobLines(job) });
    }
  } finally {
    printer.stop();
  }
  return job;
}

/** `--wait`: follows the job; Ctrl-C leaves it running and says how to go on. */
export async function waitForJob(session: Session, job: Job): Promise<Job> {
  const hub = await session.hub();
  using interruption = new Interruption();
  try {
    const printer = session.progress();
    return await followJob(hub, job, printer, {
      signal: interruption.signal,
      awayMs: session.timeoutMs,
      onAway: (sentence) => printer.note(sentence),
    });
  } catch (error) {
    throw interruption.explain(
      error,
      `interrupted; job ${job.id} goes on`,
      `\`entrepot job watch ${job.id}\` shows it again, \`entrepot job cancel ${job.id}\` stops it`,
    );
  }
}

/** After its result has been printed: a job that did not succeed decides the exit code. */
export function requireSucceeded(job: Job): void {
  if (job.state !== 'succeeded') throw new JobEndedError(job);
}

export function hasEnded(job: Pick<Job, 'state'>): boolean {
  return job.state !== 'queued' && job.state !== 'running';
}
