import { COPY_STATES, COPY_TRANSITIONS, type Copy, type CopyState } from '../domain/copy.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/** The copies of the catalogue: the truth on what is where. Writes run inside `Catalogue.transact`. */
export class Copies {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #find;
  readonly #ofImage;
  readonly #put;
  readonly #drop;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM copies WHERE image_id = ? AND store_id = ?');
    this.#ofImage = sqlite.prepare('SELECT * FROM copies WHERE image_id = ? ORDER BY store_id');
    this.#put = sqlite.prepare(
      `INSERT INTO copies (image_id, store_id, state, reason, verified_root, verified_at_ms, left_over,
         updated_at_ms)
       VALUES (@imageId, @storeId, @state, @reason, @verifiedRoot, @verifiedAtMs, @isLeftOver, @now)
       ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason,
         verified_root = excluded.verified_root, verified_at_ms = excluded.verified_at_ms,
         left_over = excluded.left_over, updated_at_ms = excluded.updated_at_ms`,
    );
    this.#drop = sqlite.prepare('DELETE FROM copies WHERE image_id = ? AND store_id = ?');
  }

  find(imageId: string, storeId: string): Copy | undefined {
    const row = this.#find.get(imageId, storeId) as CopyRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  ofImage(imageId: string): Copy[] {
    return (this.#ofImage.all(imageId) as CopyRow[]).map(fromRow);
  }

  /** Every copy of a store in one of these states. */
  ofStore(storeId: string, states: readonly CopyState[]): Copy[] {
    const marks = states.map(() => '?').join(', ');
    const rows = this.#sqlite
      .prepare(`SELECT * FROM copies WHERE store_id = ? AND state IN (${marks}) ORDER BY image_id`)
      .all(storeId, ...states);
    return (rows as CopyRow[]).map(fromRow);
  }

  /**
   * The one way to change a copy: checks the move, writes it, and logs it. A copy that is
   * made present names the root that was read back at the store (R6); any other state but
   * 'deleting' forgets it.
   */
  set(
    imageId: string,
    storeId: string,
    state: CopyState | 'absent',
    options: {
      verifiedRoot?: string;
      reason?: string | undefined;
      jobId?: string | undefined;
      isLeftOver?: true;
    } = {},
  ): void {
    const before = this.find(imageId, storeId);
    const from = before?.state ?? 'absent';
    if (from === state && before?.reason === options.reason) return;
    if (from !== state && !COPY_TRANSITIONS[from].includes(state)) {
      throw new Refusal(
        'INTERNAL',
        `the copy of ${imageId} at ${storeId} cannot go from ${from} to ${state}`,
      );
    }
    if (state === 'absent') this.#drop.run(imageId, storeId);
    else {
      const now = this.#now();
      const fresh = options.verifiedRoot !== undefined;
      const kept = state === 'deleting' || state === 'present';
      this.#put.run({
        imageId,
        storeId,
        state,
        reason: options.reason ?? null,
        verifiedRoot: options.verifiedRoot ?? (kept ? (before?.verifiedRoot ?? null) : null),
        verifiedAtMs: fresh ? now : kept ? (before?.verifiedAtMs ?? null) : null,
        isLeftOver: options.isLeftOver ? 1 : 0,
        now,
      });
    }
    if (from === state) return;
    const subject = { imageId, storeId, jobId: options.jobId };
    this.#events.append(`copy.${state}`, subject, { before: from, reason: options.reason });
  }

  /** Copies a store holds, in any state. */
  countOfStore(storeId: string): number {
    const row = this.#sqlite.prepare('SELECT count(*) AS n FROM copies WHERE store_id = ?').get(storeId);
    return (row as { n: number }).n;
  }

  /** Images whose one present copy is at this store. */
  soleCopiesOf(storeId: string): string[] {
    const rows = this.#sqlite
      .prepare(
        `SELECT image_id AS imageId FROM copies AS here WHERE store_id = ? AND state = 'present'
           AND NOT EXISTS (SELECT 1 FROM copies AS other WHERE other.image_id = here.image_id
             AND other.store_id <> here.store_id AND other.state = 'present')
         ORDER BY image_id`,
      )
      .all(storeId);
    return (rows as { imageId: string }[]).map((row) => row.imageId);
  }

  /** Drops the copies of a store that is removed, whatever their state: what is left there is nobody's. */
  forget(storeId: string): number {
    const held = this.ofStore(storeId, COPY_STATES);
    for (const { imageId, state } of held) {
      this.#drop.run(imageId, storeId);
      this.#events.append('copy.orphaned', { imageId, storeId }, { before: state });
    }
    return held.length;
  }

  countByStoreAndState(): { storeId: string; state: CopyState; count: number }[] {
    return this.#sqlite
      .prepare('SELECT store_id AS storeId, state, count(*) AS count FROM copies GROUP BY store_id, state')
      .all() as { storeId: string; state: CopyState; count: number }[];
  }
}

interface CopyRow {
  image_id: string;
  store_id: string;
  state: CopyState;
  reason: string | null;
  verified_root: string | null;
  verified_at_ms: number | null;
  left_over: 0 | 1;
  updated_at_ms: number;
}

function fromRow(row: CopyRow): Copy {
  return {
    imageId: row.image_id,
    storeId: row.store_id,
    state: row.state,
    reason: row.reason ?? undefined,
    verifiedRoot: row.verified_root ?? undefined,
    verifiedAtMs: row.verified_at_ms ?? undefined,
    isLeftOver: row.left_over === 1,
    updatedAtMs: row.updated_at_ms,
  };
}
