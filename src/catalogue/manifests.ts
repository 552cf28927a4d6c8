import { Refusal } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';

/** Manifests by their root, as the bytes their root is the SHA-256 of. Writes run inside `Catalogue.transact`. */
export class Manifests {
  readonly #sqlite: Sqlite;

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
  }

  /** Content-addressed: the same root twice is the same bytes. False when it was there already. */
  put(root: string, body: Uint8Array): boolean {
    const insert = this.#sqlite.prepare('INSERT OR IGNORE INTO manifests (root, body) VALUES (?, ?)');
    return insert.run(root, body).changes > 0;
  }

  get(root: string): Buffer {
    const row = this.#sqlite.prepare('SELECT body FROM manifests WHERE root = ?').get(root);
    if (row === undefined) throw new Refusal('NOT_FOUND', `no manifest has root ${root}`);
    return (row as { body: Buffer }).body;
  }

  /** Forgets a manifest that no image has. */
  dropUnused(root: string): void {
    this.#sqlite
      .prepare(
        'DELETE FROM manifests WHERE root = @root AND NOT EXISTS (SELECT 1 FROM images WHERE root = @root)',
      )
      .run({ root });
  }
}
