import type { RefusalCode } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';

/** What an event is about; the kind says what happened, as `noun.verb`. */
export interface EventSubject {
  readonly imageId?: string | undefined;
  readonly storeId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly taskId?: string | undefined;
  /** Undefined: that of the origin; when it has none, the one that asked for the job. */
  readonly requestId?: string | undefined;
}

/** On whose behalf something is written. */
export interface Origin {
  /** `operator/alice`, `store/dcn0`, `hub`. */
  readonly actor: string;
  /** From where: address and port; empty for the hub itself. */
  readonly peer: string;
  readonly requestId?: string | undefined;
}

/** What the hub does by itself. */
export const HUB_ORIGIN: Origin = Object.freeze({ actor: 'hub', peer: '' });

/** `done`, or why it was not. */
export type EventOutcome = 'done' | RefusalCode;

export interface Event extends EventSubject {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: string;
  /** Empty for events from before actors were known. */
  readonly actor: string;
  readonly peer: string;
  readonly outcome: EventOutcome;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Which events; all that is given must hold. */
export interface EventFilter {
  readonly sinceMs?: number | undefined;
  readonly imageId?: string | undefined;
  readonly storeId?: string | undefined;
  readonly actor?: string | undefined;
  /** Only what came after this one. */
  readonly afterSequence?: number | undefined;
  readonly limit: number;
}

const CONDITIONS: Readonly<Record<Exclude<keyof EventFilter, 'limit'>, string>> = {
  // Sequence and time go together but for a clock that was set back: begin where the first of them is.
  sinceMs:
    'sequence >= (SELECT min(sequence) FROM events INDEXED BY events_by_time WHERE at_ms >= @sinceMs) AND at_ms >= @sinceMs',
  imageId: 'image_id = @imageId',
  storeId: 'store_id = @storeId',
  actor: 'actor = @actor',
  afterSequence: 'sequence > @afterSequence',
};

/** The query for a filter; what is not asked for is not in it, so that an index fits. */
export function selectEvents(filter: EventFilter): string {
  const conditions = Object.entries(CONDITIONS)
    .filter(([key]) => filter[key as keyof EventFilter] !== undefined)
    .map(([, condition]) => condition);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return `SELECT * FROM events ${where} ORDER BY sequence LIMIT @limit`;
}

/**
 * The append-only log of every change, written in the transaction of the change itself, and of what
 * was refused. Never holds a secret, nor its hash.
 */
export class Events {
  readonly #sqlite: Sqlite;
  readonly #insert;
  readonly #now: () => number;
  readonly #origin: () => Origin;

  constructor(sqlite: Sqlite, now: () => number, origin: () => Origin) {
    this.#sqlite = sqlite;
    this.#now = now;
    this.#origin = origin;
    this.#insert = sqlite.prepare(
      `INSERT INTO events
         (at_ms, kind, actor, peer, outcome, image_id, store_id, job_id, task_id, request_id, detail)
       VALUES
         (@atMs, @kind, @actor, @peer, @outcome, @imageId, @storeId, @jobId, @taskId,
          coalesce(@requestId, (SELECT request_id FROM jobs WHERE id = @jobId)), @detail)`,
    );
  }

  /** Who did it and from where is asked of the origin. */
  append(
    kind: string,
    subject: EventSubject,
    detail: Readonly<Record<string, unknown>> = {},
    outcome: EventOutcome = 'done',
  ): void {
    const { actor, peer, requestId } = this.#origin();
    this.#insert.run({
      atMs: this.#now(),
      kind,
      actor,
      peer,
      outcome,
      imageId: subject.imageId ?? null,
      storeId: subject.storeId ?? null,
      jobId: subject.jobId ?? null,
      taskId: subject.taskId ?? null,
      requestId: subject.requestId ?? requestId ?? null,
      detail: JSON.stringify(detail),
    });
  }

  /** Oldest first. */
  list(filter: EventFilter): Event[] {
    return (this.#sqlite.prepare(selectEvents(filter)).all(filter) as EventRow[]).map(fromRow);
  }

  /** Forgets events from before, and says in one of its own how many. In a transaction. */
  prune(beforeMs: number): number {
    const { changes } = this.#sqlite.prepare('DELETE FROM events WHERE at_ms < ?').run(beforeMs);
    if (changes > 0) this.append('events.pruned', {}, { beforeMs, events: changes });
    return changes;
  }
}

interface EventRow {
  sequence: number;
  at_ms: number;
  kind: string;
  actor: string;
  peer: string;
  outcome: EventOutcome;
  image_id: string | null;
  store_id: string | null;
  job_id: string | null;
  task_id: string | null;
  request_id: string | null;
  detail: string;
}

function fromRow(row: EventRow): Event {
  return {
    sequence: row.sequence,
    atMs: row.at_ms,
    kind: row.kind,
    actor: row.actor,
    peer: row.peer,
    outcome: row.outcome,
    imageId: row.image_id ?? undefined,
    storeId: row.store_id ?? undefined,
    jobId: row.job_id ?? undefined,
    taskId: row.task_id ?? undefined,
    requestId: row.request_id ?? undefined,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
  };
}
