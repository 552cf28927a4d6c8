import { isTaskEnded, storesNamed } from '../domain/job.ts';
import type { StoreUses } from '../domain/rules/stores.ts';
import type { ImageView } from '../domain/rules/view.ts';
import { Copies } from './copies.ts';
import { Credentials } from './credentials.ts';
import { openDatabase, type Sqlite } from './database.ts';
import { Events, HUB_ORIGIN, type Origin } from './events.ts';
import { Images } from './images.ts';
import { Jobs } from './jobs.ts';
import { JoinTokens } from './join-tokens.ts';
import { Manifests } from './manifests.ts';
import { Operators } from './operators.ts';
import { Stores } from './stores.ts';
import { TaskLine } from './task-line.ts';
import { Tasks } from './tasks.ts';

/**
 * The hub's SQLite: the one truth on images, copies, jobs and tasks. All access to the
 * database is in this folder. Reads and writes are synchronous and short; a write is on
 * disk when `transact` returns.
 */
export class Catalogue implements Disposable {
  readonly images: Images;
  readonly copies: Copies;
  readonly stores: Stores;
  readonly operators: Operators;
  readonly credentials: Credentials;
  readonly joinTokens: JoinTokens;
  readonly jobs: Jobs;
  readonly tasks: Tasks;
  readonly line: TaskLine;
  readonly manifests: Manifests;
  readonly events: Events;
  readonly #sqlite: Sqlite;

  private constructor(sqlite: Sqlite, now: () => number, origin: () => Origin) {
    this.#sqlite = sqlite;
    this.events = new Events(sqlite, now, origin);
    this.images = new Images(sqlite, this.events, now);
    this.copies = new Copies(sqlite, this.events, now);
    this.stores = new Stores(sqlite, this.events, now);
    this.operators = new Operators(sqlite, this.events, now);
    this.credentials = new Credentials(sqlite, this.events, now);
    this.joinTokens = new JoinTokens(sqlite, this.events, now);
    this.jobs = new Jobs(sqlite, this.events, now);
    this.tasks = new Tasks(sqlite, this.events, now);
    this.line = new TaskLine(sqlite);
    this.manifests = new Manifests(sqlite);
  }

  /**
   * Opens or makes the file at `path`; `origin` tells, for every event, on whose behalf it is
   * written. Refusals as `openDatabase` has them.
   */
  static open(
    path: string,
    now: () => number = Date.now,
    origin: () => Origin = () => HUB_ORIGIN,
  ): Catalogue {
    return new Catalogue(openDatabase(path), now, origin);
  }

  /** Runs `work` as one transaction: all of it is on disk when this returns, or, when it throws, none. */
  transact<T>(work: () => T): T {
    try {
      return this.#sqlite.transaction(work).immediate();
    } catch (error) {
      this.stores.forget();
      throw error;
    }
  }

  /** What the rules look at. NOT_FOUND when the image never was. */
  view(imageId: string): ImageView {
    return {
      image: this.images.get(imageId),
      copies: this.copies.ofImage(imageId),
      jobs: this.jobs.unendedOfImage(imageId),
      stores: this.stores.all(),
    };
  }

  /** What the rule on removing a store looks at. NOT_FOUND when there is no such store. */
  usesOf(storeId: string): StoreUses {
    const { id } = this.stores.get(storeId);
    const jobs: string[] = [];
    const deletions: string[] = [];
    for (const job of this.jobs.unended()) {
      const tasks = this.tasks.ofJob(job.id).filter((task) => !isTaskEnded(task));
      const isNamed = storesNamed(job.spec).includes(id);
      const deletesThere =
        tasks.some((task) => task.kind === 'delete' && task.storeId === id) ||
        (job.spec.kind === 'delete-copy' && isNamed) ||
        (job.spec.kind === 'delete' && this.copies.find(job.imageId, id) !== undefined);
      if (deletesThere) deletions.push(job.id);
      else if (isNamed || tasks.some((task) => task.sourceStoreId === id)) jobs.push(job.id);
    }
    return {
      copies: this.copies.countOfStore(id),
      soleCopies: this.copies.soleCopiesOf(id),
      jobs,
      deletions,
      images: this.images.countVisible(),
      otherStores: this.stores.all().length - 1,
    };
  }

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}
