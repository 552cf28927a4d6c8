import {
  addTotals,
  type Reason,
  TASK_TRANSITIONS,
  type Task,
  type TaskKind,
  type TaskState,
  type TaskTotals,
} from '../domain/job.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';
import { AT_WORK } from './task-line.ts';

const UNENDED = `state NOT IN ('done', 'failed')`;

/** Of one store: asked whenever an agent comes or goes, with a job's tasks at a thousand stores beside them. */
export const UNENDED_AT_STORE = `SELECT * FROM tasks WHERE ${UNENDED} AND store_id = ? ORDER BY rowid`;

/** The other questions asked while very many tasks wait, so that a test sees that they do not read those. */
export const FEW_OF_MANY = {
  unendedOfJob: `SELECT * FROM tasks WHERE job_id = ? AND ${UNENDED}`,
  hasUnended: `SELECT 1 FROM tasks WHERE job_id = ? AND ${UNENDED} LIMIT 1`,
  atWork: `SELECT * FROM tasks WHERE ${AT_WORK}`,
  waitingFor: `SELECT * FROM tasks WHERE state = 'waiting' AND source_store_id = ? AND id > ? ORDER BY id LIMIT ?`,
} as const;

/** The tasks of the catalogue. Writes run inside `Catalogue.transact`. */
export class Tasks {
  readonly #events: Events;
  readonly #now: () => number;
  readonly #find;
  readonly #ofJob;
  readonly #update;
  readonly #unended;
  readonly #unendedAtStore;
  readonly #unendedOfJob;
  readonly #hasUnended;
  readonly #atWork;
  readonly #waitingFor;
  readonly #insert;
  readonly #setTotals;

  constructor(sqlite: Sqlite, events: Events, now: () => number) {
    this.#events = events;
    this.#now = now;
    this.#find = sqlite.prepare('SELECT * FROM tasks WHERE id = ?');
    this.#ofJob = sqlite.prepare('SELECT * FROM tasks WHERE job_id = ? ORDER BY rowid');
    this.#unended = sqlite.prepare(`SELECT * FROM tasks WHERE ${UNENDED} ORDER BY rowid`);
    this.#unendedAtStore = sqlite.prepare(UNENDED_AT_STORE);
    this.#unendedOfJob = sqlite.prepare(FEW_OF_MANY.unendedOfJob);
    this.#hasUnended = sqlite.prepare(FEW_OF_MANY.hasUnended);
    this.#atWork = sqlite.prepare(FEW_OF_MANY.atWork);
    this.#waitingFor = sqlite.prepare(FEW_OF_MANY.waitingFor);
    this.#setTotals = sqlite.prepare('UPDATE tasks SET totals = @totals WHERE id = @id');
    this.#insert = sqlite.prepare(
      `INSERT INTO tasks (id, job_id, image_id, store_id, kind, source_store_id, state, created_at_ms, updated_at_ms)
       VALUES (@id, @jobId, @imageId, @storeId, @kind, @source, 'queued', @now, @now)`,
    );
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
    this.#insert.run({ ...task, source: task.sourceStoreId ?? null, now: this.#now() });
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

  /** Those of a job that have not ended, in no order. */
  unendedOfJob(jobId: string): Task[] {
    return (this.#unendedOfJob.all(jobId) as TaskRow[]).map(fromRow);
  }

  /** Whether a job has any that has not ended. */
  hasUnended(jobId: string): boolean {
    return this.#hasUnended.get(jobId) !== undefined;
  }

  /** Those with an attempt that may be at work, also when its agent is away. */
  atWork(): Task[] {
    return (this.#atWork.all() as TaskRow[]).map(fromRow);
  }

  /**
   * Those that wait, from the source `storeId`; a page of them, by id, after the task `after` ('': from
   * the first).
   */
  waitingFor(storeId: string, after: string, limit: number): Task[] {
    return (this.#waitingFor.all(storeId, after, limit) as TaskRow[]).map(fromRow);
  }

  /** An attempt at the task has ended, and came to this. To be told before what became of the task. */
  account(id: string, attempt: TaskTotals): void {
    const totals = addTotals(this.get(id).totals, attempt);
    this.#setTotals.run({ id, totals: JSON.stringify(totals) });
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
      { attempt, ...change.reason, ...(TASK_TRANSITIONS[state].length === 0 && detailOf(before)) },
    );
  }
}

/** What the event of a task's end says of its attempts. */
function detailOf({ kind, totals }: Task): Readonly<Record<string, unknown>> {
  if (totals === undefined) return {};
  const { traffic, seconds, compression } = totals;
  if (kind === 'delete') return { seconds };
  const bytesPerSecond = seconds > 0 ? Math.round(traffic.receivedBytes / seconds) : 0;
  return { ...traffic, seconds, bytesPerSecond, compression };
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
  totals: string | null;
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
    totals: row.totals === null ? undefined : (JSON.parse(row.totals) as TaskTotals),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
