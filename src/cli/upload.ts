import { chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { JobEndedError } from './exit-codes.ts';
import { hasEnded, jobChanges } from './follow.ts';
import type { HubConnection } from './hub-connection.ts';
import { Interruption } from './interruption.ts';
import type { LocalImage } from './local-image.ts';
import { jobLines, type ProgressLine, type ProgressPrinter } from './output/progress.ts';
import { RateMeter } from './output/rate.ts';
import type { Session } from './session.ts';
import type { Job } from './wire.ts';

/** How long a job that is given up may take to end before its end is no longer waited for. */
const CANCEL_WAIT_MS = 10_000;
/** The end of the job and the answer to the upload come by two connections: either may be first. */
const ANSWER_GRACE_MS = 2000;

export interface UploadTarget {
  readonly imageId: string;
  /** Where it enters; empty: central. */
  readonly storeId: string;
  /** Filled from central afterwards, within the same job (R12). */
  readonly storeIds: readonly string[];
  readonly allStores: boolean;
  readonly allStoresMustSucceed: boolean;
  readonly lane: string;
}

/**
 * Sends a local file's data into an image and follows the import to its end, whatever that is.
 * What fails before all bytes are in cancels the job, then calls `onAbandoned`. Once they are in,
 * the job is the hub's: Ctrl-C leaves it running.
 */
export async function uploadImage(
  session: Session,
  source: LocalImage,
  target: UploadTarget,
  onAbandoned: (printer: ProgressPrinter) => Promise<void>,
): Promise<Job> {
  const hub = await session.hub();
  using interruption = new Interruption();
  const printer = session.progress();
  let begun: Job | undefined;
  try {
    const chunks = await source.dataChunks();
    begun = await hub.beginUpload({ ...target, sizeBytes: source.sizeBytes });
    const upload = new Upload(hub, source, begun, printer, session.timeoutMs);
    return await upload.run(chunks, interruption.signal);
  } catch (error) {
    if (error instanceof Abandoned || begun === undefined) {
      const cause = error instanceof Abandoned ? error.cause : error;
      await onAbandoned(printer);
      throw interruption.explain(cause, 'interrupted; the upload was cancelled');
    }
    throw interruption.explain(
      error,
      `interrupted; all bytes are in, and job ${begun.id} goes on`,
      `\`entrepot job watch ${begun.id}\` shows it again, \`entrepot job cancel ${begun.id}\` stops it`,
    );
  } finally {
    printer.stop();
  }
}

/** The bytes did not get in; `cause` is why. */
class Abandoned extends Error {}

class Upload {
  readonly #hub: HubConnection;
  readonly #source: LocalImage;
  readonly #printer: ProgressPrinter;
  readonly #awayMs: number;
  readonly #rate = new RateMeter();
  readonly #watch = new AbortController();
  readonly #send = new AbortController();
  #job: Job;
  #doneBytes = 0;
  #totalBytes = 0;
  #phase = 'sending';

  constructor(hub: HubConnection, source: LocalImage, job: Job, printer: ProgressPrinter, awayMs: number) {
    this.#hub = hub;
    this.#source = source;
    this.#job = job;
    this.#printer = printer;
    this.#awayMs = awayMs;
  }

  /** The ended job. Throws Abandoned when the bytes did not get in. */
  async run(chunks: readonly number[], interrupted: AbortSignal): Promise<Job> {
    this.#totalBytes = chunks.reduce((sum, index) => sum + chunkLength(index, this.#source.sizeBytes), 0);
    const watching = this.#watchJob();
    // Handled below, in whichever order the two end.
    watching.catch(() => {});
    try {
      await this.#sendAll(chunks, AbortSignal.any([interrupted, this.#send.signal]));
    } catch (error) {
      return await this.#giveUp(error, watching);
    }
    const stop = () => this.#watch.abort();
    interrupted.addEventListener('abort', stop);
    if (interrupted.aborted) stop();
    return await watching;
  }

  async #watchJob(): Promise<Job> {
    this.#show();
    // While bytes are sent, the broken upload says the same.
    const onAway = (sentence: string) => this.#phase === 'sent' && this.#printer.note(sentence);
    const options = { signal: this.#watch.signal, awayMs: this.#awayMs, onAway };
    for await (this.#job of jobChanges(this.#hub, this.#job.id, options)) this.#show();
    // A job that ended wants no more bytes. When it had them all, the answer is on its way.
    if (this.#phase === 'sending') this.#send.abort();
    else setTimeout(() => this.#send.abort(), ANSWER_GRACE_MS).unref();
    return this.#job;
  }

  async #sendAll(chunks: readonly number[], signal: AbortSignal): Promise<void> {
    this.#rate.record(0);
    // Cancelled by leaving early, for whatever reason.
    await using call = this.#hub.upload(this.#job.id, signal);
    const frames = this.#source.frames(chunks, (lengthBytes) => {
      this.#doneBytes += lengthBytes;
      this.#rate.record(this.#doneBytes);
      this.#show();
    });
    for await (const frame of frames) await call.write(frame);
    this.#phase = 'finishing';
    this.#show();
    await call.finish();
    this.#phase = 'sent';
    this.#show();
  }

  /** Cancels the job, waits for its end, and finds out what really happened. */
  async #giveUp(error: unknown, watching: Promise<Job>): Promise<Job> {
    this.#phase = 'given up';
    this.#show();
    if (!hasEnded(this.#job)) {
      await this.#hub.cancelJob(this.#job.id).catch(() => {});
    }
    const giveUpWaiting = setTimeout(() => this.#watch.abort(), CANCEL_WAIT_MS);
    const job = await watching.catch(() => this.#job).finally(() => clearTimeout(giveUpWaiting));
    // Only the answer was lost: the bytes are in after all.
    if (job.state === 'succeeded' || job.state === 'partial') return job;
    // What the agent met is the cause, and the broken call its consequence.
    const cause = job.state === 'failed' && isConsequence(error) ? new JobEndedError(job) : error;
    throw new Abandoned('the upload was given up', { cause });
  }

  #show(): void {
    const line: ProgressLine = {
      key: 'upload',
      label: 'upload',
      phase: this.#phase,
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      rateBytesPerSecond: this.#phase === 'sending' ? this.#rate.bytesPerSecond : undefined,
      remainingSeconds: this.#phase === 'sending' ? this.#rate.remainingSeconds(this.#totalBytes) : undefined,
      reason: '',
      traffic: undefined,
    };
    this.#printer.show({ job: this.#job, lines: [line, ...jobLines(this.#job)] });
  }
}

function isConsequence(error: unknown): boolean {
  const { code } = Refusal.from(error);
  return code === 'CANCELLED' || code === 'UNAVAILABLE' || code === 'INTERNAL';
}
