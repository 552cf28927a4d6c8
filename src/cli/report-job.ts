import { requireSucceeded, waitForJob } from './follow.ts';
import { jobJson } from './output/json.ts';
import { jobHeading } from './output/progress.ts';
import { jobText } from './output/views.ts';
import type { Session } from './session.ts';
import type { Job } from './wire.ts';

/** A job that a command started: as it stands now, or with `--wait` as it ended. */
export async function reportJob(
  session: Session,
  job: Job,
  options: { readonly wait?: true },
): Promise<void> {
  if (options.wait === undefined) {
    session.print({ text: startedText(job), json: jobJson(job) });
    return;
  }
  await watchAndReport(session, job);
}

/** Shows a job until it has ended, prints how, and fails when it did not succeed. */
export async function watchAndReport(session: Session, job: Job): Promise<void> {
  const ended = await waitForJob(session, job);
  session.print({ text: jobText(ended), json: jobJson(ended) });
  requireSucceeded(ended);
}

export function startedText(job: Job): string {
  return `${jobHeading(job)}\nfollow it: entrepot job watch ${job.id}\n`;
}
