import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import { isEnded } from '../domain/job.ts';
import { type Actor, actorOf, requireJobReadable } from '../domain/rules/index.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Job as WireJob } from '../rpc/generated/entrepot/v1/Job.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { JobsService } from '../rpc/proto.ts';
import { askerOf } from './asker.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Paces } from './paces.ts';
import { pageLimit } from './page-limit.ts';
import type { ProgressBoard } from './progress-board.ts';
import type { Requests } from './requests.ts';
import { jobView } from './views.ts';

export const JOBS_RIGHTS: Rights<JobsService> = {
  List: 'read',
  Get: 'read',
  Watch: 'read',
  Cancel: 'change',
  SetRate: 'change',
  Pause: 'change',
  Resume: 'change',
};

/** A watcher is told at most so often: faster than a person can read, slow enough for a thousand watchers. */
const WATCH_INTERVAL_MS = 250;

/** While nothing is heard of bytes that moved, their rate falls: a watcher is told so, at most so often. */
const AGEING_INTERVAL_MS = 1000;

export interface JobsParts {
  readonly catalogue: Catalogue;
  readonly requests: Requests;
  readonly paces: Paces;
  readonly board: ProgressBoard;
  readonly feed: ChangeFeed;
}

/** proto/entrepot/v1/jobs.proto. */
export function jobsService(parts: JobsParts): Handlers<JobsService> {
  const { catalogue, requests, paces, board, feed } = parts;
  const shown = (jobId: string, actor: Actor): WireJob => {
    const job = catalogue.jobs.get(jobId);
    requireJobReadable(actor, job, catalogue.images.get(job.imageId));
    return jobView(job, catalogue, board);
  };
  return {
    List: async (request, { caller }) => {
      const actor = actorOf(caller);
      const imageId = request.imageId === '' ? undefined : parseUuid(request.imageId);
      const limit = pageLimit(request.limit);
      const jobs = catalogue.jobs.page({ imageId, all: request.all, limit, readableBy: actor });
      return { jobs: jobs.map((job) => shown(job.id, actor)) };
    },

    Get: async (request, { caller }) => shown(parseUuid(request.jobId, 'job id'), actorOf(caller)),

    Watch: async (request, write, { caller, signal }) => {
      const actor = actorOf(caller);
      const jobId = parseUuid(request.jobId, 'job id');
      shown(jobId, actor);
      const changes = new Changes(feed, catalogue.jobs.get(jobId).imageId, signal);
      try {
        for (let told = ''; ; ) {
          const job = shown(jobId, actor);
          const text = JSON.stringify(job);
          if (text !== told) await write(job);
          told = text;
          if (isEnded(catalogue.jobs.get(jobId))) return;
          await changes.next(isAgeing(job) ? AGEING_INTERVAL_MS : undefined);
        }
      } finally {
        changes.stop();
      }
    },

    Cancel: async (request, context) => {
      const asker = askerOf(context);
      return shown(requests.cancel(request.jobId, asker).id, asker.actor);
    },

    SetRate: async ({ jobId, rate }, context) => {
      const asker = askerOf(context);
      return shown(paces.setJobRate(jobId, rate, asker).id, asker.actor);
    },

    Pause: async (request, context) => {
      const asker = askerOf(context);
      return shown(paces.pauseJob(request.jobId, asker).id, asker.actor);
    },

    Resume: async (request, context) => {
      const asker = askerOf(context);
      return shown(paces.resumeJob(request.jobId, asker).id, asker.actor);
    },
  };
}

/** Whether figures of it change by time alone. */
function isAgeing({ tasks }: WireJob): boolean {
  return (tasks ?? []).some(({ progress }) => progress != null && progress.rateBytesPerSecond !== 0);
}

/** Waits for the next change, and lets changes that come close together count as one. */
class Changes {
  readonly #stopListening: () => void;
  readonly #signal: AbortSignal;
  #pending = false;
  #wake: () => void = () => undefined;
  #lastMs = 0;

  constructor(feed: ChangeFeed, imageId: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#stopListening = feed.listen(imageId, this.#onChange);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onChange = () => {
    this.#pending = true;
    this.#wake();
  };

  readonly #onAbort = () => this.#wake();

  /** Settles after the next change, or when `atMostMs` have passed; rejects when the watcher left. */
  async next(atMostMs: number | undefined): Promise<void> {
    const timer = atMostMs === undefined ? undefined : setTimeout(this.#onChange, atMostMs);
    try {
      await this.#until(() => this.#pending);
    } finally {
      clearTimeout(timer);
    }
    const restMs = this.#lastMs + WATCH_INTERVAL_MS - performance.now();
    if (restMs > 0) await this.#sleep(restMs);
    this.#lastMs = performance.now();
    this.#pending = false;
  }

  stop(): void {
    this.#stopListening();
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #sleep(ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (performance.now() < deadline) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()));
        this.#wake = () => {
          if (!this.#signal.aborted) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
