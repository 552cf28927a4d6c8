import type { Catalogue } from '../catalogue/catalogue.ts';
import { isEnded } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { heldBy, pausedStores } from '../domain/rules/index.ts';
import type { Frame } from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import type { ChangeFeed } from './change-feed.ts';

/** How long an agent waits for the operator whose bytes it was asked to take in. */
const MEET_TIMEOUT_MS = 30_000;

type Take = (frame: Frame) => Promise<void>;

/** Where an operator's upload and the agent that takes it in meet; at most one of each per import. */
interface Meeting {
  /** The agent's side: takes a frame, or rejects when the agent is gone. */
  readonly taker: PromiseWithResolvers<Take>;
  /** The operator's side: settles when all frames were handed over, or none more will come. */
  readonly over: PromiseWithResolvers<void>;
  offered: boolean;
  taken: boolean;
}

/**
 * Passes an upload on from the operator to the agent frame by frame: the operator's next
 * frame is read when the agent's stream has room, so the hub holds a frame or two of an
 * image, however slow either side is. While the import or its store is paused nothing is passed on.
 */
export class Uploads {
  readonly #catalogue: Catalogue;
  readonly #feed: ChangeFeed;
  readonly #meetTimeoutMs: number;
  readonly #meetings = new Map<string, Meeting>();

  constructor(catalogue: Catalogue, feed: ChangeFeed, meetTimeoutMs = MEET_TIMEOUT_MS) {
    this.#catalogue = catalogue;
    this.#feed = feed;
    this.#meetTimeoutMs = meetTimeoutMs;
  }

  /**
   * The operator's side: waits in the import's place in the queue, then hands its frames
   * over. Returns the data bytes handed over. CONFLICT when the job has ended, or another
   * upload is at it.
   */
  async offer(jobId: string, frames: AsyncIterable<Frame>, signal: AbortSignal): Promise<number> {
    const job = this.#catalogue.jobs.get(jobId);
    if (job.spec.kind !== 'import')
      throw new Refusal('INVALID', `job ${jobId} is a ${job.spec.kind}, not an import`);
    const meeting = this.#meeting(jobId);
    if (meeting.offered) throw new Refusal('CONFLICT', `job ${jobId} is already being uploaded to`);
    meeting.offered = true;
    const end = new AbortController();
    const ended = AbortSignal.any([signal, end.signal]);
    const stopWatching = this.#watchEnd(jobId, job.imageId, (reason) => end.abort(reason));
    let sentBytes = 0;
    try {
      const take = await unlessAborted(meeting.taker.promise, ended);
      for await (const frame of frames) {
        await this.#unpaused(jobId, ended);
        await unlessAborted(take(frame), ended);
        sentBytes += frame.data.byteLength;
      }
      meeting.over.resolve();
      return sentBytes;
    } catch (error) {
      const refusal = Refusal.from(error);
      meeting.over.reject(
        new Refusal('CANCELLED', `the upload was cut after ${sentBytes} bytes of data`, { cause: refusal }),
      );
      throw refusal;
    } finally {
      stopWatching();
      this.#meetings.delete(jobId);
    }
  }

  /** The agent's side: writes the operator's frames to `write` until they end. UNAVAILABLE when no operator comes. */
  async take(jobId: string, write: Take, signal: AbortSignal): Promise<void> {
    const meeting = this.#meeting(jobId);
    if (meeting.taken) throw new Refusal('CONFLICT', `job ${jobId} is already being taken in`);
    meeting.taken = true;
    const timer = setTimeout(() => {
      if (meeting.offered) return;
      this.#meetings.delete(jobId);
      meeting.over.reject(new Refusal('UNAVAILABLE', 'no operator is uploading this image any more'));
    }, this.#meetTimeoutMs).unref();
    try {
      meeting.taker.resolve(write);
      await unlessAborted(meeting.over.promise, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for as long as the import, or the store it enters at, is paused. */
  async #unpaused(jobId: string, signal: AbortSignal): Promise<void> {
    const { jobs, tasks, stores } = this.#catalogue;
    for (;;) {
      const job = jobs.get(jobId);
      const entry = tasks.ofJob(jobId).find(({ kind }) => kind === 'ingest');
      if (entry === undefined || heldBy(entry, job, pausedStores(stores.all())) === undefined) return;
      const change = Promise.withResolvers<void>();
      const stop = this.#feed.listen(job.imageId, change.resolve);
      try {
        await unlessAborted(change.promise, signal);
      } finally {
        stop();
      }
    }
  }

  #meeting(jobId: string): Meeting {
    const known = this.#meetings.get(jobId);
    if (known !== undefined) return known;
    const meeting: Meeting = {
      taker: Promise.withResolvers(),
      over: Promise.withResolvers(),
      offered: false,
      taken: false,
    };
    // Either side may leave before the other comes; nobody may be there to hear of it.
    meeting.over.promise.catch(() => undefined);
    this.#meetings.set(jobId, meeting);
    return meeting;
  }

  /** Tells the job's reason once it has ended without the upload. Returns the way to stop watching. */
  #watchEnd(jobId: string, imageId: string, onEnd: (reason: Refusal) => void): () => void {
    const look = () => {
      const { state, reason } = this.#catalogue.jobs.get(jobId);
      if (!isEnded({ state })) return;
      onEnd(new Refusal(reason?.code ?? 'CONFLICT', reason?.message ?? `job ${jobId} has ended: ${state}`));
    };
    const stop = this.#feed.listen(imageId, look);
    look();
    return stop;
  }
}
