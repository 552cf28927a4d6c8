import type { Job, Store } from '../wire.ts';

/** A job's state, and what keeps it from going as fast as it can: `running (paused)`. */
export function jobState(job: Job): string {
  if (job.endedAtMs > 0) return job.state;
  if (job.cancelRequested) return `${job.state} (cancelling)`;
  return job.paused ? `${job.state} (paused)` : job.state;
}

/** The end of a heading: `, paused, at most 20M, in lane demand`; empty for what is usual. */
export function paceWords(job: Job): string {
  if (job.endedAtMs > 0) return '';
  const words = [
    ...(job.paused ? ['paused'] : []),
    ...(job.rate === '' ? [] : [`at most ${job.rate}`]),
    ...(job.lane === 'normal' ? [] : [`in lane ${job.lane}`]),
  ];
  return words.map((word) => `, ${word}`).join('');
}

export function storePaceText({ id, paused, rate }: Store): string {
  const limit = rate === '' ? 'has no rate limit' : `sends and is sent at most ${rate}`;
  return paused
    ? `store ${id} is paused: no image data moves there or from there, and deletes go on\n` +
        `let it go on: entrepot store resume ${id}\n`
    : `store ${id} ${limit}\n`;
}
