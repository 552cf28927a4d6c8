import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseStoreId } from '../domain/ids.ts';
import type { Job } from '../domain/job.ts';
import { parsePaceRate } from '../domain/pace.ts';
import { requirePaceable } from '../domain/rules/index.ts';
import type { StoreRecord } from '../domain/store.ts';
import type { Queue } from '../queue/queue.ts';
import type { Attachments } from './attachments.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type Asker, ownJob } from './requests.ts';

export interface PacesParts {
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  readonly attachments: Attachments;
  readonly feed: ChangeFeed;
}

/** What operators set of how fast image data goes. All of it holds at once, for what is under way too. */
export class Paces {
  readonly #parts: PacesParts;

  constructor(parts: PacesParts) {
    this.#parts = parts;
  }

  /** `rate`: as typed; INVALID when it is no timetable. NOT_FOUND as with all of a store. */
  setStoreRate(id: string, rate: string): StoreRecord {
    const parsed = parsePaceRate(rate);
    return this.#ofStore(id, (storeId) => this.#parts.catalogue.stores.setRate(storeId, parsed));
  }

  pauseStore(id: string): StoreRecord {
    return this.#ofStore(id, (storeId) => this.#parts.catalogue.stores.pause(storeId));
  }

  resumeStore(id: string): StoreRecord {
    return this.#ofStore(id, (storeId) => this.#parts.catalogue.stores.resume(storeId));
  }

  /** As `setStoreRate`; the owner of the image or an admin may (R11). CONFLICT when it has ended. */
  setJobRate(jobId: string, rate: string, asker: Asker): Job {
    const parsed = parsePaceRate(rate);
    return this.#ofJob(jobId, asker, (id) => this.#parts.catalogue.jobs.setRate(id, parsed));
  }

  pauseJob(jobId: string, asker: Asker): Job {
    return this.#ofJob(jobId, asker, (id) => this.#parts.catalogue.jobs.pause(id));
  }

  resumeJob(jobId: string, asker: Asker): Job {
    return this.#ofJob(jobId, asker, (id) => this.#parts.catalogue.jobs.resume(id));
  }

  /** To be called once the transaction is committed that changed a pace. */
  changed(): void {
    this.#parts.attachments.tellPacing();
    this.#parts.queue.repaced();
  }

  #ofStore(id: string, change: (storeId: string) => StoreRecord): StoreRecord {
    const { catalogue, feed } = this.#parts;
    const store = catalogue.transact(() => change(parseStoreId(id)));
    this.changed();
    // Central has to do with all that is copied.
    feed.notifyAll();
    return store;
  }

  #ofJob(jobId: string, asker: Asker, change: (id: string) => void): Job {
    const { catalogue, feed } = this.#parts;
    const job = catalogue.transact(() => {
      const before = ownJob(catalogue, jobId, asker.actor);
      requirePaceable(before);
      change(before.id);
      return catalogue.jobs.get(before.id);
    });
    this.changed();
    feed.notify(job.imageId);
    return job;
  }
}
