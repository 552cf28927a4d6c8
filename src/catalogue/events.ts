import type { Sqlite } from './database.ts';

/** What an event is about; the kind says what happened, as `noun.verb`. */
export interface EventSubject {
  readonly imageId?: string | undefined;
  readonly storeId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface Event extends EventSubject {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The append-only log of every change, written in the transaction of the change itself. */
export class Events {
  readonly #insert;
  readonly #after;
  readonly #now: () => number;

  constructor(sqlite: Sqlite, now: () => number) {
    this.#now = now;
    this.#insert = sqlite.prepare(
      `INSERT INTO events (at_ms, kind, image_id, store_id, job_id, task_id, request_id, detail)
       VALUES (@atMs, @kind, @imageId, @storeId, @jobId, @taskId, @requestId, @detail)`,
    );
    this.#after = sqlite.prepare('SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?');
  }

  append(kind: string, subject: EventSubject, detail: Readonly<Record<string, unknown>> = {}): void {
    this.#insert.run({
      atMs: this.#now(),
      kind,
      imageId: subject.imageId ?? null,
      storeId: subject.storeId ?? null,
      jobId: subject.jobId ?? null,
      taskId: subject.taskId ?? null,
      requestId: subject.requestId ?? null,
      detail: JSON.stringify(detail),
    });
  }

  /** Events after a sequence number, oldest first. */
  after(sequence: number, limit: number): Event[] {
    return (this.#after.all(sequence, limit) as EventRow[]).map((row) => ({
      sequence: row.sequence,
      atMs: row.at_ms,
      kind: row.kind,
      imageId: row.image_id ?? undefined,
      storeId: row.store_id ?? undefined,
      jobId: row.job_id ?? undefined,
      taskId: row.task_id ?? undefined,
      requestId: row.request_id ?? undefined,
      detail: JSON.parse(row.detail) as Record<string, unknown>,
    }));
  }
}

interface EventRow {
  sequence: number;
  at_ms: number;
  kind: string;
  image_id: string | null;
  store_id: string | null;
  job_id: string | null;
  task_id: string | null;
  request_id: string | null;
  detail: string;
}
