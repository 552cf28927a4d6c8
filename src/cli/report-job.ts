import { requireSucceeded, waitForJob } from './follow.ts';
import { jobJson } from './output/json.ts';
import { jobHeading } from './output/progress.ts';
import { jobText } from './output/views.ts';
import type { Session } from './session.ts';
import type { Job } from './wire.ts';

/** A job that a command started: as it stands now, or with `--wait` as it ended. `shape`: of the JSON. */
export async function reportJob(
  session: Session,
  job: Job,
  options: { readonly wait?: true },
  shape: (job: Job) => unknown = jobJson,
): Promise<void> {
  if (options.wait === undefined) {
    session.print({ text: startedText(job), json: shape(job) });
    return;
  }
  await watchAndReport(session, job, shape);
}

/** Shows a job until it has ended, prints how, and fails when it did not succeed. */
export async function watchAndReport(
  session: Session,
  job: Job,
  shape: (job: Job) => unknown = jobJson,
): Promise<void> {
  const ended = await waitForJob(session, job);
  session.print({ text: jobText(ended), json: shape(ended) });
  requireSucceeded(ended);
}

export function startedText(job: Job): string {
  return `${jobHeading(job)}\nfollow it: entrepot job watch ${job.id}\n`;
}
