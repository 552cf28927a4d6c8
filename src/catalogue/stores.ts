import { Refusal } from '../domain/refusal.ts';
import type { Driver, Role, StoreIdentity, StoreRecord } from '../domain/store.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/**
 * The stores of the catalogue. A removed one stays a row, since ended jobs and tasks speak of it, and
 * is seen by nobody. Writes run inside `Catalogue.transact`.
 */
export class Stores {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #all;
  readonly #find;
  readonly #seen;
  /** What `all` gave last, for as long as nothing may have changed it. */
  #known: readonly StoreRecord[] | undefined;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#all = sqlite.prepare('SELECT * FROM stores WHERE removed_at_ms IS NULL ORDER BY role, id');
    this.#find = sqlite.prepare('SELECT * FROM stores WHERE removed_at_ms IS NULL AND id = ?');
    this.#seen = sqlite.prepare('UPDATE stores SET last_seen_ms = ? WHERE id = ?');
  }

  /**
   * Central first, then edges by id; revoked ones too. Kept in memory from one change to the next: every
   * view of an image has them, and a thousand rows take a millisecond to read.
   */
  all(): readonly StoreRecord[] {
    this.#known ??= (this.#all.all() as StoreRow[]).map(fromRow);
    return this.#known;
  }

  /** What is in memory is read anew: a write changed it, or a transaction with one was taken back. */
  forget(): void {
    this.#known = undefined;
  }

  find(id: string): StoreRecord | undefined {
    const row = this.#find.get(id) as StoreRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  /** As `find`; NOT_FOUND when there is none. */
  get(id: string): StoreRecord {
    const store = this.find(id);
    if (store !== undefined) return store;
    throw new Refusal('NOT_FOUND', `no store is named ${id}`, {
      hint: '`entrepot store list` shows the stores',
    });
  }

  /**
   * A new store, or a removed one as a new one: what it is will be pinned anew. One that is there
   * already is left as it is. CONFLICT when it has another role, or another store is central.
   */
  add(id: string, role: Role): StoreRecord {
    const known = this.find(id);
    if (known !== undefined && known.role !== role) {
      throw new Refusal('CONFLICT', `store ${id} is ${known.role}, and a store keeps its role`, {
        hint: `leave the role out, or take another name for the ${role} store`,
      });
    }
    if (known !== undefined) return known;
    const central = this.all().find((store) => store.role === 'central');
    if (role === 'central' && central !== undefined) {
      throw new Refusal('CONFLICT', `store ${central.id} is central already, and there is exactly one`, {
        hint: `\`entrepot store add ${id} --role edge\``,
      });
    }
    this.#sqlite
      .prepare(
        `INSERT INTO stores (id, role) VALUES (@id, @role)
         ON CONFLICT DO UPDATE SET role = @role, removed_at_ms = NULL`,
      )
      .run({ id, role });
    this.forget();
    this.#events.append('store.added', { storeId: id }, { role });
    return this.get(id);
  }

  /** Its agent is not let in any more, until `admit`. */
  revoke(id: string): StoreRecord {
    if (this.get(id).revoked) return this.get(id);
    this.#sqlite.prepare('UPDATE stores SET revoked_at_ms = ? WHERE id = ?').run(this.#now(), id);
    this.forget();
    this.#events.append('store.revoked', { storeId: id });
    return this.get(id);
  }

  /** Its agent joined (anew). */
  admit(id: string): StoreRecord {
    if (!this.get(id).revoked) return this.get(id);
    this.#sqlite.prepare('UPDATE stores SET revoked_at_ms = NULL WHERE id = ?').run(id);
    this.forget();
    this.#events.append('store.admitted', { storeId: id });
    return this.get(id);
  }

  /** Forgets it and what it was pinned to. Whether it may go is `requireStoreRemovable`'s to say. */
  remove(id: string): void {
    const { role, identity } = this.get(id);
    this.#sqlite
      .prepare(
        `UPDATE stores SET removed_at_ms = ?, revoked_at_ms = NULL, last_seen_ms = NULL,
           driver = NULL, fsid = NULL, pool = NULL, rate = NULL, paused_at_ms = NULL WHERE id = ?`,
      )
      .run(this.#now(), id);
    this.forget();
    this.#events.append('store.removed', { storeId: id }, { role, ...identity });
  }

  /** Pins what a store is (R10). */
  pin(id: string, identity: StoreIdentity): void {
    this.#sqlite
      .prepare('UPDATE stores SET driver = @driver, fsid = @fsid, pool = @pool WHERE id = @id')
      .run({ ...identity, id });
    this.forget();
    this.#events.append('store.pinned', { storeId: id }, { ...identity });
  }

  /** A timetable in its usual form; undefined: no limit. */
  setRate(id: string, rate: string | undefined): StoreRecord {
    if (this.get(id).rate === rate) return this.get(id);
    this.#sqlite.prepare('UPDATE stores SET rate = ? WHERE id = ?').run(rate ?? null, id);
    this.forget();
    this.#events.append('store.rate-set', { storeId: id }, { rate: rate ?? 'off' });
    return this.get(id);
  }

  /** No image data moves there, until `resume`. */
  pause(id: string): StoreRecord {
    if (this.get(id).pausedAtMs !== undefined) return this.get(id);
    this.#sqlite.prepare('UPDATE stores SET paused_at_ms = ? WHERE id = ?').run(this.#now(), id);
    this.forget();
    this.#events.append('store.paused', { storeId: id });
    return this.get(id);
  }

  resume(id: string): StoreRecord {
    if (this.get(id).pausedAtMs === undefined) return this.get(id);
    this.#sqlite.prepare('UPDATE stores SET paused_at_ms = NULL WHERE id = ?').run(id);
    this.forget();
    this.#events.append('store.resumed', { storeId: id });
    return this.get(id);
  }

  /** A sign of life: too many, and too small, for events. */
  seen(id: string, atMs: number): void {
    this.#seen.run(atMs, id);
    this.forget();
  }
}

interface StoreRow {
  id: string;
  role: Role;
  driver: Driver | null;
  fsid: string;
  pool: string;
  last_seen_ms: number | null;
  revoked_at_ms: number | null;
  rate: string | null;
  paused_at_ms: number | null;
}

function fromRow(row: StoreRow): StoreRecord {
  return {
    id: row.id,
    role: row.role,
    identity: row.driver === null ? undefined : { driver: row.driver, fsid: row.fsid, pool: row.pool },
    lastSeenMs: row.last_seen_ms ?? undefined,
    revoked: row.revoked_at_ms !== null,
    rate: row.rate ?? undefined,
    pausedAtMs: row.paused_at_ms ?? undefined,
  };
}
