import { Refusal } from '../domain/refusal.ts';
import { entryTask, isAtWork } from './entry-task.ts';
import { JobEndedError } from './exit-codes.ts';
import { hasEnded, jobChanges } from './follow.ts';
import type { HubConnection } from './hub-connection.ts';
import { Interruption } from './interruption.ts';
import type { LocalImage } from './local-image.ts';
import { jobLines, type ProgressPrinter, uploadLine } from './output/progress.ts';
import { RateMeter } from './output/rate.ts';
import type { Session } from './session.ts';
import type { Unfinished } from './unfinished-upload.ts';
import { BrokenOff, Sending, type SendingPhase } from './upload-sending.ts';
import type { Job } from './wire.ts';

/** How long a job that is given up may take to end before its end is no longer waited for. */
const CANCEL_WAIT_MS = 10_000;
/** The end of the job and the answer to the upload come by two connections: either may be first. */
const ANSWER_GRACE_MS = 2000;

export interface UploadOptions {
  /** Queues the job, unless an earlier run has. */
  readonly begin: () => Promise<Job>;
  /** What an earlier run has left to go on with. */
  readonly unfinished: Unfinished | undefined;
  /** The command that goes on with it, as typed into a shell. */
  readonly goesOnBy: string;
  /** Nothing of the upload is left; not called when it is kept. */
  readonly onAbandoned: (printer: ProgressPrinter) => Promise<void>;
}

/**
 * Sends a local file's data to a job, and follows that to its end, whatever it is. An upload that breaks off goes on by
 * itself; when the hub or the agent stays away, and at Ctrl-C, what was sent is kept, and the error says how to go on.
 * What fails otherwise before all bytes are in cancels the job, then calls `onAbandoned`; a job of an earlier run that
 * cannot be gone on with is left as it was. Once all are in, the job is the hub's: Ctrl-C leaves it running.
 */
export async function uploadFile(
  session: Session,
  source: LocalImage,
  { begin, unfinished, goesOnBy, onAbandoned }: UploadOptions,
): Promise<Job> {
  const hub = await session.hub();
  using interruption = new Interruption();
  const printer = session.progress();
  let job = unfinished?.job;
  try {
    const chunks = await source.dataChunks();
    job ??= await begin();
    const upload = new Upload({ hub, source, chunks, job, unfinished, printer, awayMs: session.timeoutMs });
    return await upload.run(interruption.signal);
  } catch (error) {
    if (error instanceof Kept) {
      const is = `what was sent of ${source.path} is kept for a while`;
      const hint = `\`${goesOnBy}\` goes on from there, \`entrepot job cancel ${error.job.id}\` gives it up`;
      throw interruption.explain(keptRefusal(error, is, hint), `interrupted; ${is}`, hint);
    }
    if (error instanceof Abandoned || job === undefined) {
      const cause = error instanceof Abandoned ? error.cause : error;
      await onAbandoned(printer);
      throw interruption.explain(cause, 'interrupted; the upload was cancelled');
    }
    throw interruption.explain(
      error,
      `interrupted; all bytes are in, and job ${job.id} goes on`,
      `\`entrepot job watch ${job.id}\` shows it again, \`entrepot job cancel ${job.id}\` stops it`,
    );
  } finally {
    printer.stop();
  }
}

/** The bytes did not get in; `cause` is why. */
class Abandoned extends Error {}

/** They did not get in yet, and the job waits for them; `cause` is why. */
class Kept extends Error {
  readonly job: Job;

  constructor(job: Job, cause: unknown) {
    super('the upload is kept', { cause });
    this.job = job;
  }
}

function keptRefusal({ cause }: Kept, is: string, hint: string): unknown {
  if (!(cause instanceof BrokenOff)) return cause;
  const { code, message } = cause.cause;
  return new Refusal(code, `${message}; ${is}`, { hint, cause });
}

interface Parts {
  readonly hub: HubConnection;
  readonly source: LocalImage;
  readonly chunks: readonly number[];
  readonly job: Job;
  readonly unfinished: Unfinished | undefined;
  readonly printer: ProgressPrinter;
  readonly awayMs: number;
}

class Upload {
  readonly #parts: Parts;
  readonly #sending: Sending;
  readonly #watch = new AbortController();
  readonly #stop = new AbortController();
  #rate = new RateMeter();
  #job: Job;
  #phase: SendingPhase | 'given up' = 'waiting';
  #doneBytes = 0;
  #totalBytes: number;
  /** Of the job's task, when all its bytes were in. */
  #attempt = 0;
  #askedAgain = Promise.withResolvers<void>();

  constructor(parts: Parts) {
    const { hub, source, chunks, job, unfinished, awayMs, printer } = parts;
    this.#parts = parts;
    this.#job = job;
    this.#sending = new Sending({
      hub,
      source,
      chunks,
      jobId: job.id,
      imageId: job.imageId,
      isOlder: unfinished !== undefined,
      looked: unfinished?.looked,
      awayMs,
      isHeld: () => isHeld(this.#job),
      onProgress: (phase, doneBytes, totalBytes) => this.#progress(phase, doneBytes, totalBytes),
      onNote: (sentence) => printer.note(sentence),
    });
    this.#totalBytes = this.#sending.totalBytes;
  }

  /** The ended job. Throws Abandoned or Kept when the bytes did not get in. */
  async run(interrupted: AbortSignal): Promise<Job> {
    const watching = this.#watchJob();
    // Handled below, in whichever order the two end.
    watching.catch(() => {});
    const stopWatching = () => this.#phase === 'sent' && this.#watch.abort();
    interrupted.addEventListener('abort', stopWatching);
    const signal = AbortSignal.any([interrupted, this.#stop.signal]);
    const ended = watching.then(() => true);
    ended.catch(() => {});
    do {
      try {
        await this.#sending.run(signal);
      } catch (error) {
        // Nobody asked again after all: the job goes its way.
        if (this.#phase === 'sent' && !(error instanceof BrokenOff)) break;
        return await this.#giveUp(error, interrupted.aborted, watching);
      }
      if (interrupted.aborted) stopWatching();
    } while (!(await Promise.race([ended, this.#askedAgain.promise])));
    return await watching;
  }

  async #watchJob(): Promise<Job> {
    const { hub, awayMs, printer } = this.#parts;
    this.#show();
    // Before, the broken upload says the same.
    const onAway = (sentence: string) => this.#phase === 'sent' && printer.note(sentence);
    const options = { signal: this.#watch.signal, awayMs, onAway };
    for await (this.#job of jobChanges(hub, this.#job.id, options)) {
      this.#show();
      if (this.#phase === 'sent' && lacksBytes(this.#job, this.#attempt)) this.#askedAgain.resolve();
    }
    // A job that ended wants no more bytes. When it had them all, the answer is on its way.
    if (this.#phase === 'finishing') setTimeout(() => this.#stop.abort(), ANSWER_GRACE_MS).unref();
    else this.#stop.abort();
    return this.#job;
  }

  #progress(phase: SendingPhase, doneBytes: number, totalBytes: number): void {
    if (phase === 'sent') {
      this.#attempt = entryTask(this.#job)?.attempt ?? 0;
      this.#askedAgain = Promise.withResolvers();
    }
    if (phase === 'sending' || phase === 'comparing') {
      // What was there before has not been moved now.
      if (this.#phase !== phase) this.#rate = new RateMeter();
      this.#rate.record(doneBytes);
    }
    this.#phase = phase;
    this.#doneBytes = doneBytes;
    this.#totalBytes = totalBytes;
    this.#show();
  }

  /** Leaves what was sent for another run, or cancels the job, waits for its end, and finds out what really happened. */
  async #giveUp(error: unknown, isInterrupted: boolean, watching: Promise<Job>): Promise<Job> {
    this.#phase = 'given up';
    this.#show();
    if (!hasEnded(this.#job) && (this.#isKept(error, isInterrupted) || !(await this.#cancel()))) {
      this.#watch.abort();
      throw new Kept(this.#job, error);
    }
    const giveUpWaiting = setTimeout(() => this.#watch.abort(), CANCEL_WAIT_MS);
    const job = await watching.catch(() => this.#job).finally(() => clearTimeout(giveUpWaiting));
    // Only the answer was lost: the bytes are in after all.
    if (job.state === 'succeeded' || job.state === 'partial') return job;
    // What the agent met is the cause, and the broken call its consequence.
    const cause = job.state === 'failed' && isConsequence(error) ? new JobEndedError(job) : error;
    throw new Abandoned('the upload was given up', { cause });
  }

  #isKept(error: unknown, isInterrupted: boolean): boolean {
    if (this.#sending.keepsBytes) return isInterrupted || error instanceof BrokenOff;
    return this.#parts.unfinished !== undefined;
  }

  /** Whether it is going to end: not when the hub is away, or listens to this operator no more. */
  async #cancel(): Promise<boolean> {
    try {
      await this.#parts.hub.cancelJob(this.#job.id);
      return true;
    } catch (error) {
      // It has ended already.
      return Refusal.from(error).code === 'CONFLICT';
    }
  }

  #show(): void {
    const isMoving = this.#phase === 'sending' || this.#phase === 'comparing';
    const rate = isMoving ? this.#rate : undefined;
    const line = uploadLine(this.#phase, this.#doneBytes, this.#totalBytes, rate);
    this.#parts.printer.show({ job: this.#job, lines: [line, ...jobLines(this.#job)] });
  }
}

function isConsequence(error: unknown): boolean {
  const { code } = error instanceof BrokenOff ? error.cause : Refusal.from(error);
  return code === 'CANCELLED' || code === 'UNAVAILABLE' || code === 'INTERNAL';
}

/** The hub says why nobody asks for bytes, or an agent is at it, and reads what it has. */
function isHeld(job: Job): boolean {
  return job.reason !== '' || isAtWork(job);
}

/** After all were in at `attempt`: the agent was killed before they were on its disk. */
function lacksBytes(job: Job, attempt: number): boolean {
  const task = entryTask(job);
  if (job.uploadBytes === undefined || task === undefined) return false;
  return task.attempt > attempt || task.state === 'queued' || task.state === 'waiting';
}
