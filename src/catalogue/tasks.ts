import { type Reason, TASK_TRANSITIONS, type Task, type TaskKind, type TaskState } from '../domain/job.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';

const UNENDED = `state NOT IN ('done', 'failed')`;

/** Of one store: asked whenever an agent comes or goes, with a job's tasks at a thousand stores beside them. */
export const UNENDED_AT_STORE = `SELECT * FROM tasks WHERE ${UNENDED} AND store_id = ? ORDER BY rowid`;

/** The tasks of the catalogue. Writes run inside `Catalogue.transact`. */
export class Tasks {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #find;
  readonly #ofJob;
  readonly #update;
  readonly #unended;
  readonly #unendedAtStore;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM tasks WHERE id = ?');
    this.#ofJob = sqlite.prepare('SELECT * FROM tasks WHERE job_id = ? ORDER BY rowid');
    this.#unended = sqlite.prepare(`SELECT * FROM tasks WHERE ${UNENDED} ORDER BY rowid`);
    this.#unendedAtStore = sqlite.prepare(UNENDED_AT_STORE);
    this.#update = sqlite.prepare(
      `UPDATE tasks SET state = @state, attempt = @attempt, failures = @failures, not_before_ms = @notBeforeMs,
         reason_code = @code, reason = @message, updated_at_ms = @now WHERE id = @id`,
    );
  }

  insert(task: {
    readonly id: string;
    readonly jobId: string;
    readonly imageId: string;
    readonly storeId: string;
    readonly kind: TaskKind;
    readonly sourceStoreId: string | undefined;
  }): void {
    this.#sqlite
      .prepare(
        `INSERT INTO tasks (id, job_id, image_id, store_id, kind, source_store_id, state, created_at_ms, updated_at_ms)
         VALUES (@id, @jobId, @imageId, @storeId, @kind, @source, 'queued', @now, @now)`,
      )
      .run({ ...task, source: task.sourceStoreId ?? null, now: this.#now() });
    const { id: taskId, jobId, imageId, storeId, kind } = task;
    this.#events.append(
      'task.queued',
      { taskId, jobId, imageId, storeId },
      { kind, source: task.sourceStoreId },
    );
  }

  find(id: string): Task | undefined {
    const row = this.#find.get(id) as TaskRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  get(id: string): Task {
    const task = this.find(id);
    if (task === undefined) throw new Refusal('NOT_FOUND', `task ${id} is not in the catalogue`);
    return task;
  }

  ofJob(jobId: string): Task[] {
    return (this.#ofJob.all(jobId) as TaskRow[]).map(fromRow);
  }

  /** All, or those of one store, oldest first. */
  unended(storeId?: string): Task[] {
    const rows = storeId === undefined ? this.#unended.all() : this.#unendedAtStore.all(storeId);
    return (rows as TaskRow[]).map(fromRow);
  }

  /** The one way to change a task: checks the move, writes it, and logs it when the state is another. */
  set(
    id: string,
    state: TaskState,
    change: {
      attempt?: number;
      failures?: number;
      notBeforeMs?: number;
      reason?: Reason | undefined;
    } = {},
  ): void {
    const before = this.get(id);
    if (before.state !== state && !TASK_TRANSITIONS[before.state].includes(state)) {
      throw new Refusal('INTERNAL', `task ${id} cannot go from ${before.state} to ${state}`);
    }
    const attempt = change.attempt ?? before.attempt;
    this.#update.run({
      id,
      state,
      attempt,
      failures: change.failures ?? before.failures,
      notBeforeMs: change.notBeforeMs ?? 0,
      code: change.reason?.code ?? null,
      message: change.reason?.message ?? null,
      now: this.#now(),
    });
    if (before.state === state) return;
    const { jobId, imageId, storeId } = before;
    this.#events.append(
      `task.${state}`,
      { taskId: id, jobId, imageId, storeId },
      { attempt, ...change.reason },
    );
  }
}

interface TaskRow {
  id: string;
  job_id: string;
  image_id: string;
  store_id: string;
  kind: TaskKind;
  source_store_id: string | null;
  state: TaskState;
  attempt: number;
  failures: number;
  not_before_ms: number;
  reason_code: RefusalCode | null;
  reason: string | null;
  created_at_ms: number;
  updated_at_ms: number;
}

function fromRow(row: TaskRow): Task {
  return {
    id: row.id,
    jobId: row.job_id,
    imageId: row.image_id,
    storeId: row.store_id,
    kind: row.kind,
    sourceStoreId: row.source_store_id ?? undefined,
    state: row.state,
    attempt: row.attempt,
    failures: row.failures,
    notBeforeMs: row.not_before_ms,
    reason: row.reason_code === null ? undefined : { code: row.reason_code, message: row.reason ?? '' },
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
