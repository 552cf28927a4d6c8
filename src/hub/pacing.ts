import type { Catalogue } from '../catalogue/catalogue.ts';
import type { PaceAtWork } from '../catalogue/task-line.ts';
import type { StoreRecord } from '../domain/store.ts';
import type { JobPace } from '../rpc/generated/entrepot/v1/JobPace.ts';
import type { Pacing as PacingMessage } from '../rpc/generated/entrepot/v1/Pacing.ts';
import type { StorePace } from '../rpc/generated/entrepot/v1/StorePace.ts';

/** What one agent is told, and a text by which it is seen whether that is what it was told before. */
export interface PacingNews {
  readonly message: PacingMessage;
  readonly text: string;
}

/**
 * How fast image data may go, as agents are told it: each of what it has to do with, since a cloud may
 * have a thousand stores, each with a rate. Read from the catalogue each time.
 */
export class Pacing {
  readonly #catalogue: Catalogue;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** What there is to tell now, by store: read once for all agents. */
  read(): (storeId: string) => PacingNews {
    const all = this.#catalogue.stores.all();
    const central = all.find(({ role }) => role === 'central')?.id;
    const stores = all.filter(({ rate, pausedAtMs }) => rate !== undefined || pausedAtMs !== undefined);
    const jobs = this.#jobs();
    return (storeId) => {
      // An edge deals with central alone.
      const concerning = stores.filter(({ id }) => storeId === central || id === central || id === storeId);
      const own = [...(jobs.get(storeId)?.values() ?? [])];
      const message = { stores: concerning.map(storePace), jobs: own };
      return { message, text: JSON.stringify(message) };
    };
  }

  /** By store, then by job. */
  #jobs(): Map<string, Map<string, JobPace>> {
    const jobs = new Map<string, Map<string, JobPace>>();
    for (const pace of this.#catalogue.line.paces()) {
      for (const storeId of [pace.storeId, pace.sourceStoreId]) {
        if (storeId === undefined) continue;
        const own = jobs.get(storeId) ?? new Map<string, JobPace>();
        jobs.set(storeId, own.set(pace.jobId, jobPace(pace)));
      }
    }
    return jobs;
  }
}

function storePace({ id, rate = '', pausedAtMs }: StoreRecord): StorePace {
  return { storeId: id, rate, paused: pausedAtMs !== undefined };
}

function jobPace({ jobId, rate = '', pausedAtMs, lane }: PaceAtWork): JobPace {
  return { jobId, rate, paused: pausedAtMs !== undefined, lane };
}
