import type { Credential, CredentialKind } from '../domain/credential.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

const ID_LENGTH = 16;
const STORE_PREFIX = 'store/';

/** Certificates and API tokens, by their hash. Writes run inside `Catalogue.transact`. */
export class Credentials {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #findByHash;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#findByHash = sqlite.prepare('SELECT * FROM credentials WHERE hash = ?');
  }

  /** One the hub has just issued. */
  add(credential: {
    readonly kind: CredentialKind;
    readonly subject: string;
    readonly hash: string;
    readonly expiresAtMs: number;
  }): Credential {
    return this.#insert('credential.issued', credential, null);
  }

  /**
   * A certificate of the cloud's authority that somebody showed: recorded when it is not there, as
   * after a backup was restored, or when the organisation issues them. One from before the subject
   * was last revoked is recorded as revoked: nothing tells it from those that were.
   */
  see(certificate: {
    readonly subject: string;
    readonly hash: string;
    readonly notBeforeMs: number;
    readonly expiresAtMs: number;
  }): Credential {
    const known = this.findByHash(certificate.hash);
    if (known !== undefined) return known;
    const row = this.#sqlite
      .prepare('SELECT at_ms AS atMs FROM cutoffs WHERE subject = ?')
      .get(certificate.subject) as { atMs: number } | undefined;
    const isOld = row !== undefined && certificate.notBeforeMs <= row.atMs;
    return this.#insert(
      'credential.seen',
      { ...certificate, kind: 'certificate' },
      isOld ? this.#now() : null,
    );
  }

  findByHash(hash: string): Credential | undefined {
    const row = this.#findByHash.get(hash) as CredentialRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  /** By its id; NOT_FOUND when there is none. */
  get(id: string): Credential {
    const row = this.#sqlite.prepare('SELECT * FROM credentials WHERE id = ?').get(id);
    if (row !== undefined) return fromRow(row as CredentialRow);
    throw new Refusal('NOT_FOUND', `no credential has the id ${id}`, {
      hint: '`entrepot operator list` shows the credentials of each operator',
    });
  }

  /** Oldest first. */
  ofSubject(subject: string): Credential[] {
    const rows = this.#sqlite
      .prepare('SELECT * FROM credentials WHERE subject = ? ORDER BY created_at_ms, rowid')
      .all(subject);
    return (rows as CredentialRow[]).map(fromRow);
  }

  /** Those of `ofSubject` that are neither revoked nor expired, in the order in which they came. */
  goodOf(subject: string): Credential[] {
    const rows = this.#sqlite
      .prepare(
        `SELECT * FROM credentials
         WHERE subject = ? AND revoked_at_ms IS NULL AND expires_at_ms >= ? ORDER BY rowid`,
      )
      .all(subject, this.#now());
    return (rows as CredentialRow[]).map(fromRow);
  }

  /** As `ofSubject`, but at most `limit`: those that are good, then the newest of the others. */
  recentOf(subject: string, limit: number): Credential[] {
    const rows = this.#sqlite
      .prepare(
        `SELECT * FROM (
           SELECT *, rowid AS place FROM credentials WHERE subject = @subject
           ORDER BY revoked_at_ms IS NULL AND expires_at_ms >= @now DESC, created_at_ms DESC, rowid DESC
           LIMIT @limit
         ) ORDER BY created_at_ms, place`,
      )
      .all({ subject, limit, now: this.#now() });
    return (rows as CredentialRow[]).map(fromRow);
  }

  /** Again is no change. */
  revoke(id: string): Credential {
    const credential = this.get(id);
    if (credential.revokedAtMs !== undefined) return credential;
    this.#sqlite.prepare('UPDATE credentials SET revoked_at_ms = ? WHERE id = ?').run(this.#now(), id);
    this.#append('credential.revoked', credential);
    return this.get(id);
  }

  /** All that the subject has, and certificates it was ever given that the table does not know. */
  revokeAll(subject: string): void {
    const { changes } = this.#sqlite
      .prepare(
        'UPDATE credentials SET revoked_at_ms = @now WHERE subject = @subject AND revoked_at_ms IS NULL',
      )
      .run({ subject, now: this.#now() });
    this.#sqlite
      .prepare(
        `INSERT INTO cutoffs (subject, at_ms) VALUES (@subject, @now)
         ON CONFLICT DO UPDATE SET at_ms = max(at_ms, @now)`,
      )
      .run({ subject, now: this.#now() });
    if (changes > 0)
      this.#events.append('credentials.revoked', storeIn(subject), { subject, credentials: changes });
  }

  /**
   * Forgets what ended before: what has expired, and tokens that were revoked. A certificate that was
   * revoked must be remembered for as long as somebody could show it: one that is not known is good.
   */
  prune(beforeMs: number): number {
    const { changes } = this.#sqlite
      .prepare(
        `DELETE FROM credentials
         WHERE expires_at_ms < @beforeMs OR (kind = 'token' AND revoked_at_ms < @beforeMs)`,
      )
      .run({ beforeMs });
    if (changes > 0) this.#events.append('credentials.pruned', {}, { beforeMs, credentials: changes });
    return changes;
  }

  #insert(
    kind: string,
    given: {
      readonly kind: CredentialKind;
      readonly subject: string;
      readonly hash: string;
      readonly expiresAtMs: number;
    },
    revokedAtMs: number | null,
  ): Credential {
    this.#sqlite
      .prepare(
        `INSERT INTO credentials (id, kind, subject, hash, created_at_ms, expires_at_ms, revoked_at_ms)
         VALUES (@id, @kind, @subject, @hash, @now, @expiresAtMs, @revokedAtMs)`,
      )
      .run({
        id: given.hash.slice(0, ID_LENGTH),
        kind: given.kind,
        subject: given.subject,
        hash: given.hash,
        expiresAtMs: given.expiresAtMs,
        revokedAtMs,
        now: this.#now(),
      });
    const credential = this.get(given.hash.slice(0, ID_LENGTH));
    this.#append(kind, credential);
    return credential;
  }

  #append(kind: string, credential: Credential): void {
    const { id, subject, expiresAtMs, revokedAtMs } = credential;
    const detail = { credential: id, kind: credential.kind, subject, expiresAtMs };
    this.#events.append(kind, storeIn(subject), {
      ...detail,
      ...(revokedAtMs !== undefined && { revokedAtMs }),
    });
  }
}

/** So that a store's events tell of its credentials. */
function storeIn(subject: string): { storeId?: string } {
  return subject.startsWith(STORE_PREFIX) ? { storeId: subject.slice(STORE_PREFIX.length) } : {};
}

interface CredentialRow {
  id: string;
  kind: CredentialKind;
  subject: string;
  hash: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked_at_ms: number | null;
}

function fromRow(row: CredentialRow): Credential {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    hash: row.hash,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    revokedAtMs: row.revoked_at_ms ?? undefined,
  };
}
