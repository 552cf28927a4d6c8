import type { Image } from '../domain/image.ts';
import { isTaskEnded, storesNamed } from '../domain/job.ts';
import type { StoreUses } from '../domain/rules/stores.ts';
import type { ImageView } from '../domain/rules/view.ts';
import { Copies } from './copies.ts';
import { Credentials } from './credentials.ts';
import { openDatabase, type Sqlite } from './database.ts';
import { Events, HUB_ORIGIN, type Origin } from './events.ts';
import { ImageMembers } from './image-members.ts';
import { Images } from './images.ts';
import { Jobs } from './jobs.ts';
import { JoinTokens } from './join-tokens.ts';
import { Manifests } from './manifests.ts';
import { Operators } from './operators.ts';
import { Stores } from './stores.ts';
import { TaskLine } from './task-line.ts';
import { Tasks } from './tasks.ts';
import { Transactions } from './transactions.ts';

/**
 * The hub's SQLite: the one truth on images, copies, jobs and tasks. All access to the
 * database is in this folder. Reads and writes are synchronous and short; a write is on
 * disk when `transact` returns.
 */
export class Catalogue implements Disposable {
  readonly images: Images;
  readonly members: ImageMembers;
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
  readonly #transactions: Transactions;

  private constructor(sqlite: Sqlite, now: () => number, origin: () => Origin) {
    this.#sqlite = sqlite;
    this.events = new Events(sqlite, now, origin);
    this.members = new ImageMembers(sqlite, this.events, now);
    this.images = new Images(sqlite, this.events, this.members, now);
    this.copies = new Copies(sqlite, this.events, now);
    this.stores = new Stores(sqlite, this.events, now);
    this.operators = new Operators(sqlite, this.events, now);
    this.credentials = new Credentials(sqlite, this.events, now);
    this.joinTokens = new JoinTokens(sqlite, this.events, now);
    this.jobs = new Jobs(sqlite, this.events, now, () => this.afterCommit(() => emptyLog(sqlite)));
    this.tasks = new Tasks(sqlite, this.events, now);
    this.line = new TaskLine(sqlite);
    this.manifests = new Manifests(sqlite);
    this.#transactions = new Transactions(sqlite, () => this.stores.forget());
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

  /**
   * Runs `work` as one transaction: all of it is on disk when this returns, or, when it throws, none. Inside
   * of another one it is a part of that, and is on disk when that is.
   */
  transact<T>(work: () => T): T {
    return this.#transactions.run(work);
  }

  /**
   * As `transact`, soon: with the work that others hand over within this turn of the event loop, so that
   * all of it waits for the disk once. Settles when it is on disk; one that throws takes back itself alone.
   */
  transactSoon<T>(work: () => T): Promise<T> {
    return this.#transactions.soon(work, (group) => this.transact(group));
  }

  /**
   * Runs `action`, which must not throw, once all that was written so far is on disk: at once outside of a
   * transaction, and never when what was written is taken back. For what others are told.
   */
  afterCommit(action: () => void): void {
    this.#transactions.afterwards(action);
  }

  /** What the rules look at. NOT_FOUND when the image never was. */
  view(imageId: string): ImageView {
    return this.viewOf(this.images.get(imageId));
  }

  /** As `view`, of an image as it was just read. */
  viewOf(image: Image): ImageView {
    return {
      image,
      copies: this.copies.ofImage(image.id),
      jobs: this.jobs.unendedOfImage(image.id),
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
    this.#transactions[Symbol.dispose]();
    this.#sqlite.close();
  }
}

/** What was overwritten in the database is still in its log: that is written back and cut to nothing. */
function emptyLog(sqlite: Sqlite): void {
  try {
    sqlite.pragma('wal_checkpoint(TRUNCATE)');
  } catch {
    // A full disk, say: what was to be done is committed, and the next one takes this along.
  }
}
