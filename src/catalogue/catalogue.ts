import type { ImageView } from '../domain/rules/view.ts';
import { Copies } from './copies.ts';
import { openDatabase, type Sqlite } from './database.ts';
import { Events } from './events.ts';
import { Images } from './images.ts';
import { Jobs } from './jobs.ts';
import { Manifests } from './manifests.ts';
import { Stores } from './stores.ts';
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
  readonly jobs: Jobs;
  readonly tasks: Tasks;
  readonly manifests: Manifests;
  readonly events: Events;
  readonly #sqlite: Sqlite;

  private constructor(sqlite: Sqlite, now: () => number) {
    this.#sqlite = sqlite;
    this.events = new Events(sqlite, now);
    this.images = new Images(sqlite, this.events, now);
    this.copies = new Copies(sqlite, this.events, now);
    this.stores = new Stores(sqlite, this.events);
    this.jobs = new Jobs(sqlite, this.events, now);
    this.tasks = new Tasks(sqlite, this.events, now);
    this.manifests = new Manifests(sqlite);
  }

  /** Opens or makes the file at `path`. Refusals as `openDatabase` has them. */
  static open(path: string, now: () => number = Date.now): Catalogue {
    return new Catalogue(openDatabase(path), now);
  }

  /** Runs `work` as one transaction: all of it is on disk when this returns, or, when it throws, none. */
  transact<T>(work: () => T): T {
    return this.#sqlite.transaction(work).immediate();
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

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}
