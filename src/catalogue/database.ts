import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Refusal } from '../domain/refusal.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** A hub that was just told to stop may still be closing the file. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * Of the file, kept in memory, KiB. A cloud of a thousand sites writes all over it, and with the 2 MiB that
 * SQLite has by itself it reads most pages again each time.
 */
const CACHE_KIB = 32 * 1024;

/**
 * Pages in the log before they go into the file. A page that is written again and again goes there once;
 * while it does, all wait.
 */
const LOG_PAGES = 8000;

export type Sqlite = Database.Database;

/**
 * Opens the catalogue's file, brings it to this version's schema, and holds it for this
 * process alone. UNAVAILABLE when another hub has it, INVALID when it is newer than we are
 * or cannot be opened.
 */
export function openDatabase(path: string): Sqlite {
  let sqlite: Sqlite;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    sqlite = new Database(path, { timeout: LOCK_TIMEOUT_MS });
  } catch (error) {
    throw new Refusal('INVALID', `the catalogue ${path} cannot be opened: ${(error as Error).message}`, {
      cause: error,
      hint: 'check `catalogue` in the hub configuration, and the rights on that folder',
    });
  }
  try {
    // A second hub on the same file would be a second truth: the first writer keeps the lock.
    sqlite.pragma('locking_mode = EXCLUSIVE');
    sqlite.pragma('journal_mode = WAL');
    // What is acknowledged must survive a power cut, not only a crash of ours.
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('foreign_keys = ON');
    // The secrets of a URI are overwritten when its job has ended, not only unlinked.
    sqlite.pragma('secure_delete = ON');
    sqlite.pragma(`cache_size = -${CACHE_KIB}`);
    sqlite.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
    migrate(sqlite, path);
    return sqlite;
  } catch (error) {
    sqlite.close();
    if (error instanceof Refusal) throw error;
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) {
      throw new Refusal('UNAVAILABLE', `the catalogue ${path} is held by another process`, {
        cause: error,
        hint: 'is another hub running with the same configuration?',
      });
    }
    throw new Refusal('INVALID', `the catalogue ${path} is not usable: ${(error as Error).message}`, {
      cause: error,
      hint: 'is it a file that the hub made?',
    });
  }
}

function migrate(sqlite: Sqlite, path: string): void {
  const apply = sqlite.transaction(() => {
    const version = sqlite.pragma('user_version', { simple: true }) as number;
    if (version > MIGRATIONS.length) {
      throw new Refusal(
        'INVALID',
        `the catalogue ${path} has schema ${version}, this hub knows ${MIGRATIONS.length}`,
        {
          hint: 'run the newer hub it was made by',
        },
      );
    }
    for (const migration of MIGRATIONS.slice(version)) sqlite.exec(migration);
    sqlite.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  apply.exclusive();
}
