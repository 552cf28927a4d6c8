import { Refusal } from '../domain/refusal.ts';
import type { Driver, Role, StoreIdentity, StoreRecord } from '../domain/store.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/** The stores of the catalogue. Writes run inside `Catalogue.transact`. */
export class Stores {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #all;
  readonly #seen;

  constructor(sqlite: Sqlite, events: Events) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#all = sqlite.prepare('SELECT * FROM stores ORDER BY role, id');
    this.#seen = sqlite.prepare('UPDATE stores SET last_seen_ms = ? WHERE id = ?');
  }

  /** Central first, then edges by id. */
  all(): StoreRecord[] {
    return (this.#all.all() as StoreRow[]).map(fromRow);
  }

  find(id: string): StoreRecord | undefined {
    return this.all().find((store) => store.id === id);
  }

  /**
   * Takes over the stores of the configuration. New ones are added; one that is gone from
   * it is dropped when nothing in the catalogue speaks of it, and refused otherwise.
   */
  configure(wanted: readonly { readonly id: string; readonly role: Role }[]): void {
    const known = new Map(this.all().map((store) => [store.id, store]));
    for (const { id, role } of wanted) {
      const store = known.get(id);
      known.delete(id);
      if (store === undefined) continue;
      if (store.role !== role) {
        throw new Refusal('INVALID', `store ${id} was ${store.role} and is configured as ${role}`, {
          hint: `a store keeps its role: set role: ${store.role}`,
        });
      }
    }
    for (const id of known.keys()) this.#remove(id);
    const insert = this.#sqlite.prepare('INSERT OR IGNORE INTO stores (id, role) VALUES (?, ?)');
    for (const { id, role } of wanted) {
      if (insert.run(id, role).changes > 0) this.#events.append('store.added', { storeId: id }, { role });
    }
  }

  #remove(id: string): void {
    try {
      this.#sqlite.prepare('DELETE FROM stores WHERE id = ?').run(id);
    } catch (error) {
      throw new Refusal(
        'INVALID',
        `store ${id} is gone from the configuration, but the catalogue speaks of it`,
        {
          cause: error,
          hint: `put it back under stores: in the hub configuration`,
        },
      );
    }
    this.#events.append('store.removed', { storeId: id });
  }

  /** Pins what a store is (R10). */
  pin(id: string, identity: StoreIdentity): void {
    this.#sqlite
      .prepare('UPDATE stores SET driver = @driver, fsid = @fsid, pool = @pool WHERE id = @id')
      .run({ ...identity, id });
    this.#events.append('store.pinned', { storeId: id }, { ...identity });
  }

  seen(id: string, atMs: number): void {
    this.#seen.run(atMs, id);
  }
}

interface StoreRow {
  id: string;
  role: Role;
  driver: Driver | null;
  fsid: string;
  pool: string;
  last_seen_ms: number | null;
}

function fromRow(row: StoreRow): StoreRecord {
  return {
    id: row.id,
    role: row.role,
    identity: row.driver === null ? undefined : { driver: row.driver, fsid: row.fsid, pool: row.pool },
    lastSeenMs: row.last_seen_ms ?? undefined,
  };
}
