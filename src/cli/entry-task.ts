import type { Job, Task } from './wire.ts';

/** The part of a job that takes the bytes of an upload in. */
export function entryTask(job: Job): Task | undefined {
  return job.tasks.find(({ kind }) => kind === 'stage' || kind === 'ingest');
}

/** An agent has it: it gets ready, which takes a while when it reads what is there, or takes bytes. */
export function isAtWork(job: Job): boolean {
  const { state } = entryTask(job) ?? {};
  return state === 'assigned' || state === 'running';
}
