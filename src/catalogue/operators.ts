import type { Operator } from '../domain/operator.ts';
import { Refusal } from '../domain/refusal.ts';
import type { OperatorRole } from '../domain/rules/rights.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

/** The operators of the catalogue, revoked ones included. Writes run inside `Catalogue.transact`. */
export class Operators {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #find;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM operators WHERE name = ?');
  }

  /** By name. */
  all(): Operator[] {
    return (this.#sqlite.prepare('SELECT * FROM operators ORDER BY name').all() as OperatorRow[]).map(
      fromRow,
    );
  }

  find(name: string): Operator | undefined {
    const row = this.#find.get(name) as OperatorRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  /** As `find`; NOT_FOUND when there is none. */
  get(name: string): Operator {
    const operator = this.find(name);
    if (operator !== undefined) return operator;
    throw new Refusal('NOT_FOUND', `no operator is named ${name}`, {
      hint: '`entrepot operator list` shows the operators',
    });
  }

  /**
   * A new operator, or a revoked one with this role; what was revoked of its credentials stays so.
   * ALREADY_EXISTS when it is there.
   */
  add(name: string, role: OperatorRole): Operator {
    const known = this.find(name);
    if (known !== undefined && known.revokedAtMs === undefined) {
      throw new Refusal('ALREADY_EXISTS', `operator ${name} is there already, as ${known.role}`, {
        hint:
          known.role === role
            ? `\`entrepot operator issue ${name}\` makes credentials`
            : `for another role: \`entrepot operator revoke ${name}\`, then add it again`,
      });
    }
    this.#sqlite
      .prepare(
        `INSERT INTO operators (name, role, created_at_ms) VALUES (@name, @role, @now)
         ON CONFLICT DO UPDATE SET role = @role, created_at_ms = @now, revoked_at_ms = NULL`,
      )
      .run({ name, role, now: this.#now() });
    this.#events.append('operator.added', {}, { operator: name, role });
    return this.get(name);
  }

  /** Whether it may go is `requireAdminLeft`'s to say; its credentials are revoked by `Credentials.revokeAll`. */
  revoke(name: string): Operator {
    const { revokedAtMs, role } = this.get(name);
    if (revokedAtMs === undefined) {
      this.#sqlite.prepare('UPDATE operators SET revoked_at_ms = ? WHERE name = ?').run(this.#now(), name);
      this.#events.append('operator.revoked', {}, { operator: name, role });
    }
    return this.get(name);
  }
}

interface OperatorRow {
  name: string;
  role: OperatorRole;
  created_at_ms: number;
  revoked_at_ms: number | null;
}

function fromRow(row: OperatorRow): Operator {
  return {
    name: row.name,
    role: row.role,
    createdAtMs: row.created_at_ms,
    revokedAtMs: row.revoked_at_ms ?? undefined,
  };
}
