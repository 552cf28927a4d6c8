import type { Catalogue } from '../catalogue/catalogue.ts';
import { isEnded, takesUpload } from '../domain/job.ts';
import { Refusal } from '../domain/refusal.ts';
import { heldBy, pausedStores } from '../domain/rules/index.ts';
import type { Frame } from '../transfer/frames.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import type { BytesBefore } from '../transfer/ingest-checkpoint.ts';
import type { ChangeFeed } from './change-feed.ts';

/** How long an agent waits for the operator whose bytes it was asked to take in. */
const MEET_TIMEOUT_MS = 30_000;

type Take = (frame: Frame) => Promise<void>;

/** The agent's side: what it has already, and the way to give it a frame, which rejects when the agent is gone. */
interface Taker {
  readonly before: BytesBefore;
  readonly take: Take;
}

/** Where an operator's upload and the agent that takes it in meet; at most one of each per job. */
interface Meeting {
  readonly taker: PromiseWithResolvers<Taker>;
  /** For the agent: settles when all frames were handed over, or none more will come. */
  readonly over: PromiseWithResolvers<void>;
  /** For the operator: aborts when the agent has left before it took anything. */
  readonly left: AbortController;
  offered: boolean;
  taken: boolean;
}

/** What an operator brings. */
export interface Offer {
  /** Tells the operator what the agent has; frames follow on that. */
  readonly begin: (before: BytesBefore) => Promise<void>;
  readonly frames: AsyncIterable<Frame>;
}

export interface UploadsParts {
  readonly catalogue: Catalogue;
  readonly feed: ChangeFeed;
  /** An operator waits for the job's agent to take the bytes. */
  readonly onOffered: (jobId: string) => void;
  readonly meetTimeoutMs?: number;
}

/**
 * Passes an upload on from the operator to the agent frame by frame: the operator's next
 * frame is read when the agent's stream has room, so the hub holds a frame or two of an
 * image, however slow either side is. While the import or its store is paused nothing is passed on.
 */
export class Uploads {
  readonly #parts: UploadsParts;
  readonly #meetings = new Map<string, Meeting>();

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /**
   * The operator's side: waits in the job's place in the queue, tells what the agent has, then hands the frames
   * over. Returns the data bytes handed over. CONFLICT when the job has ended, or another upload is at it;
   * UNAVAILABLE when the agent goes away: another call goes on.
   */
  async offer(jobId: string, { begin, frames }: Offer, signal: AbortSignal): Promise<number> {
    const job = this.#parts.catalogue.jobs.get(jobId);
    if (!takesUpload(job.spec)) {
      throw new Refusal('INVALID', `job ${jobId} is a ${job.spec.kind} that takes no upload`);
    }
    const meeting = this.#meeting(jobId);
    if (meeting.offered) throw new Refusal('CONFLICT', `job ${jobId} is already being uploaded to`);
    meeting.offered = true;
    const end = new AbortController();
    const ended = AbortSignal.any([signal, end.signal, meeting.left.signal]);
    const stopWatching = this.#watchJob(jobId, job.imageId, (reason) => end.abort(reason));
    let sentBytes = 0;
    let isWhole = false;
    try {
      const { before, take } = await unlessAborted(meeting.taker.promise, ended);
      await unlessAborted(begin(before), ended);
      for await (const frame of frames) {
        await this.#unpaused(jobId, ended);
        await unlessAborted(take(frame).catch(agentLeft), ended);
        sentBytes += frame.data.byteLength;
        isWhole = frame.last && frame.data.byteLength === 0;
      }
      // As when its process is killed: that looks like an end.
      if (!isWhole) throw new Refusal('CANCELLED', 'the upload ended before the frame that ends the image');
      meeting.over.resolve();
      return sentBytes;
    } catch (error) {
      const refusal = Refusal.from(error);
      meeting.over.reject(brokenOff(refusal, sentBytes));
      throw refusal;
    } finally {
      stopWatching();
      this.#forget(jobId, meeting);
    }
  }

  /**
   * The agent's side: writes the operator's frames to `write` until they end. UNAVAILABLE when no operator comes, or
   * the one that came goes away. A later attempt takes the place of one that was not seen to leave.
   */
  async take(jobId: string, before: BytesBefore, write: Take, signal: AbortSignal): Promise<void> {
    this.#replaceTaker(jobId);
    const meeting = this.#meeting(jobId);
    meeting.taken = true;
    const timer = setTimeout(() => {
      if (meeting.offered) return;
      this.#forget(jobId, meeting);
      meeting.over.reject(new Refusal('UNAVAILABLE', 'no operator is uploading this image any more'));
    }, this.#parts.meetTimeoutMs ?? MEET_TIMEOUT_MS).unref();
    try {
      meeting.taker.resolve({ before, take: write });
      await unlessAborted(meeting.over.promise, signal);
    } finally {
      clearTimeout(timer);
      // Whoever comes later meets the next attempt, and who is there already hears of it.
      meeting.left.abort(new Refusal('UNAVAILABLE', AGENT_LEFT, { hint: AGENT_LEFT_HINT }));
      this.#forget(jobId, meeting);
    }
  }

  /** The agent asks anew: whatever its earlier attempt was given is not taken any more. */
  #replaceTaker(jobId: string): void {
    const known = this.#meetings.get(jobId);
    if (known?.taken !== true) return;
    const reason = new Refusal('UNAVAILABLE', 'another attempt takes the upload in');
    known.over.reject(reason);
    known.left.abort(reason);
    this.#forget(jobId, known);
  }

  /** Waits for as long as the import, or the store it enters at, is paused. */
  async #unpaused(jobId: string, signal: AbortSignal): Promise<void> {
    const { catalogue, feed } = this.#parts;
    const { jobs, tasks, stores } = catalogue;
    for (;;) {
      const job = jobs.get(jobId);
      const entry = tasks.ofJob(jobId).find(({ kind }) => kind === 'ingest' || kind === 'stage');
      if (entry === undefined || heldBy(entry, job, pausedStores(stores.all())) === undefined) return;
      const change = Promise.withResolvers<void>();
      const stop = feed.listen(job.imageId, change.resolve);
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
      left: new AbortController(),
      offered: false,
      taken: false,
    };
    // Either side may leave before the other comes; nobody may be there to hear of it.
    meeting.over.promise.catch(() => undefined);
    this.#meetings.set(jobId, meeting);
    return meeting;
  }

  #forget(jobId: string, meeting: Meeting): void {
    if (this.#meetings.get(jobId) === meeting) this.#meetings.delete(jobId);
  }

  /**
   * Tells the job's reason once it has ended without the upload, and the queue that somebody is there for a task that
   * waits. Returns the way to stop watching.
   */
  #watchJob(jobId: string, imageId: string, onEnd: (reason: Refusal) => void): () => void {
    const { catalogue, feed, onOffered } = this.#parts;
    const look = () => {
      const { state, reason } = catalogue.jobs.get(jobId);
      if (!isEnded({ state })) {
        onOffered(jobId);
        return;
      }
      onEnd(new Refusal(reason?.code ?? 'CONFLICT', reason?.message ?? `job ${jobId} has ended: ${state}`));
    };
    const stop = feed.listen(imageId, look);
    look();
    return stop;
  }
}

const AGENT_LEFT = 'the agent that takes the upload in has gone away';
const AGENT_LEFT_HINT = 'the same command goes on with it once `entrepot store list` shows its store online';

/** To the operator it does not matter how. */
function agentLeft(error: unknown): never {
  throw new Refusal('UNAVAILABLE', AGENT_LEFT, { hint: AGENT_LEFT_HINT, cause: error });
}

/** For the agent: what was no upload at all is not waited for again. */
function brokenOff(refusal: Refusal, sentBytes: number): Refusal {
  if (refusal.code === 'INVALID') return refusal;
  return new Refusal(
    'UNAVAILABLE',
    `the upload broke off after ${sentBytes} bytes of data; the same command goes on with it`,
    { cause: refusal },
  );
}
