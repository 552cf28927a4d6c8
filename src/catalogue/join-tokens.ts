import type { JoinToken } from '../domain/credential.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/** Join tokens, by their hash. Writes run inside `Catalogue.transact`. */
export class JoinTokens {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
  }

  add({ hash, storeId, expiresAtMs }: Pick<JoinToken, 'hash' | 'storeId' | 'expiresAtMs'>): JoinToken {
    this.#sqlite
      .prepare('INSERT INTO join_tokens (hash, store_id, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?)')
      .run(hash, storeId, this.#now(), expiresAtMs);
    this.#events.append('join-token.issued', { storeId }, { expiresAtMs });
    return this.#get(hash);
  }

  findByHash(hash: string): JoinToken | undefined {
    const row = this.#sqlite.prepare('SELECT * FROM join_tokens WHERE hash = ?').get(hash);
    return row === undefined ? undefined : fromRow(row as JoinTokenRow);
  }

  /**
   * Takes the token for a key. One that is taken or void is left as it is: whether it was this key's to
   * take is the caller's to look at before. NOT_FOUND when there is none.
   */
  use(hash: string, keyHash: string): void {
    const token = this.#get(hash);
    if (token.usedAtMs !== undefined || token.voidedAtMs !== undefined) return;
    this.#sqlite
      .prepare('UPDATE join_tokens SET used_at_ms = ?, used_by_key = ? WHERE hash = ?')
      .run(this.#now(), keyHash, hash);
    this.#events.append('join-token.used', { storeId: token.storeId });
  }

  /** Withdraws all of a store's, used ones too: those would let the same key in again. */
  voidOf(storeId: string): void {
    const { changes } = this.#sqlite
      .prepare('UPDATE join_tokens SET voided_at_ms = ? WHERE store_id = ? AND voided_at_ms IS NULL')
      .run(this.#now(), storeId);
    if (changes > 0) this.#events.append('join-token.voided', { storeId }, { tokens: changes });
  }

  #get(hash: string): JoinToken {
    const token = this.findByHash(hash);
    if (token !== undefined) return token;
    throw new Refusal('NOT_FOUND', 'the hub knows no such join token', {
      hint: '`entrepot store add ID` prints a new one',
    });
  }
}

interface JoinTokenRow {
  hash: string;
  store_id: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
  used_by_key: string | null;
  voided_at_ms: number | null;
}

function fromRow(row: JoinTokenRow): JoinToken {
  return {
    hash: row.hash,
    storeId: row.store_id,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    usedAtMs: row.used_at_ms ?? undefined,
    usedByKey: row.used_by_key ?? undefined,
    voidedAtMs: row.voided_at_ms ?? undefined,
  };
}
