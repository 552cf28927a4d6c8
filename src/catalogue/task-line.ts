import type { TaskKind } from '../domain/job.ts';
import type { Lane } from '../domain/lane.ts';
import type { JobPace } from '../domain/pace.ts';
import type { Sqlite } from './database.ts';

/** What the queue looks at when it hands tasks out. */
export interface LineTask {
  readonly id: string;
  readonly kind: TaskKind;
  readonly storeId: string;
  readonly sourceStoreId: string | undefined;
}

/** A task with an attempt at work. */
export interface TaskAtWork extends LineTask {
  readonly lane: Lane;
  /** Its job is, and is not being cancelled. */
  readonly paused: boolean;
}

/** The pace of a job with attempts that may be at work, and where one of them is. */
export interface PaceAtWork extends JobPace {
  readonly jobId: string;
  readonly storeId: string;
  readonly sourceStoreId: string | undefined;
}

/** As `isPaused` of the rules has it. */
const PAUSED = '(jobs.paused_at_ms IS NOT NULL AND NOT jobs.cancel_requested)';
/** Of the index that finds these tasks among very many that wait for their first attempt. */
export const AT_WORK = `tasks.state IN ('assigned', 'running', 'waiting') AND tasks.attempt > 0`;
const COLUMNS = 'tasks.id, tasks.kind, tasks.store_id AS storeId, tasks.source_store_id AS sourceStoreId';

/** The queries, so that a test sees that none of them reads tasks that are not asked for. */
export const LINE_QUERIES = {
  due: `SELECT ${COLUMNS} FROM jobs CROSS JOIN tasks ON tasks.job_id = jobs.id
    WHERE jobs.state = 'running' AND jobs.lane = @lane AND NOT ${PAUSED}
      AND tasks.state = 'queued' AND tasks.state NOT IN ('done', 'failed') AND tasks.not_before_ms <= @nowMs
    ORDER BY jobs.sequence, tasks.rowid`,
  nextDue: `SELECT min(not_before_ms) AS atMs FROM tasks
    WHERE state = 'queued' AND not_before_ms > 0 AND not_before_ms > ?`,
  atWork: `SELECT ${COLUMNS}, jobs.lane, ${PAUSED} AS paused FROM tasks JOIN jobs ON jobs.id = tasks.job_id
    WHERE ${AT_WORK} AND tasks.state <> 'waiting'`,
  // One whose agent is away may be at work all the same: it is away from the hub, not from its source.
  paces: `SELECT DISTINCT jobs.id AS jobId, jobs.rate, jobs.paused_at_ms AS pausedAtMs, jobs.lane,
      tasks.store_id AS storeId, tasks.source_store_id AS sourceStoreId
    FROM tasks JOIN jobs ON jobs.id = tasks.job_id
    WHERE ${AT_WORK} AND tasks.kind <> 'delete'
      AND (jobs.rate IS NOT NULL OR jobs.paused_at_ms IS NOT NULL OR jobs.lane <> 'normal')
    ORDER BY jobs.sequence`,
} as const;

/** The tasks of the catalogue as a line: who is next, and who is at work. Only reads. */
export class TaskLine {
  readonly #due;
  readonly #nextDue;
  readonly #atWork;
  readonly #paces;

  constructor(sqlite: Sqlite) {
    this.#due = sqlite.prepare(LINE_QUERIES.due);
    this.#nextDue = sqlite.prepare(LINE_QUERIES.nextDue);
    this.#atWork = sqlite.prepare(LINE_QUERIES.atWork);
    this.#paces = sqlite.prepare(LINE_QUERIES.paces);
  }

  /**
   * Tasks of a lane that may be handed out now, those of paused jobs left out, in order of arrival. Read as
   * they are asked for: until the loop over them ends, nothing else may be asked of the catalogue.
   */
  *due(lane: Lane, nowMs: number): Generator<LineTask, void, void> {
    for (const row of this.#due.iterate({ lane, nowMs })) yield fromRow(row as Row);
  }

  /** When the next of those that wait for their time is due; undefined: none does. */
  nextDueMs(nowMs: number): number | undefined {
    return (this.#nextDue.get(nowMs) as { atMs: number | null }).atMs ?? undefined;
  }

  /** Assigned or running. */
  atWork(): TaskAtWork[] {
    return (this.#atWork.all() as (Row & { lane: Lane; paused: number })[]).map((row) => {
      return { ...fromRow(row), lane: row.lane, paused: row.paused === 1 };
    });
  }

  /** Of jobs that have attempts at work and a rate, a pause, or another lane than `normal`. */
  paces(): PaceAtWork[] {
    return (this.#paces.all() as PaceRow[]).map((row) => ({
      ...row,
      rate: row.rate ?? undefined,
      pausedAtMs: row.pausedAtMs ?? undefined,
      sourceStoreId: row.sourceStoreId ?? undefined,
    }));
  }
}

interface Row {
  id: string;
  kind: TaskKind;
  storeId: string;
  sourceStoreId: string | null;
}

interface PaceRow {
  jobId: string;
  rate: string | null;
  pausedAtMs: number | null;
  lane: Lane;
  storeId: string;
  sourceStoreId: string | null;
}

function fromRow({ id, kind, storeId, sourceStoreId }: Row): LineTask {
  return { id, kind, storeId, sourceStoreId: sourceStoreId ?? undefined };
}
