import {
  JOB_TRANSITIONS,
  type Job,
  type JobKind,
  type JobSpec,
  type JobState,
  type Reason,
} from '../domain/job.ts';
import { comesBefore, DEFAULT_LANE, type Lane } from '../domain/lane.ts';
import { Refusal, type RefusalCode } from '../domain/refusal.ts';
import { jobNotFound } from '../domain/rules/reading.ts';
import type { Actor } from '../domain/rules/rights.ts';
import type { Sqlite } from './database.ts';
import type { Events } from './events.ts';
import { KNOWN, READABLE, readableBy } from './readable.ts';

const UNENDED = `jobs.state IN ('queued', 'running')`;

/** All but the spec, which for a thousand stores takes 10 KB: it is read, and parsed, once. */
const COLUMNS = `jobs.id, jobs.sequence, jobs.image_id, jobs.state, jobs.reason_code, jobs.reason,
  jobs.cancel_requested, jobs.rate, jobs.paused_at_ms, jobs.lane, jobs.requested_by, jobs.request_id,
  jobs.created_at_ms, jobs.started_at_ms, jobs.ended_at_ms`;

/** Asked for each image of a page, however many jobs it has had. */
export const UNENDED_OF_IMAGE = `SELECT ${COLUMNS} FROM jobs WHERE image_id = ? AND ${UNENDED} ORDER BY sequence`;

/** Specs kept in memory: more than there are jobs at work. A spec of a thousand stores takes 20 KB. */
const SPECS_KEPT = 256;

/** The jobs of the catalogue, in order of arrival. Writes run inside `Catalogue.transact`. */
export class Jobs {
  readonly #sqlite: Sqlite;
  readonly #events: Events;
  readonly #now: () => number;
  readonly #onSecretGone: () => void;
  readonly #find;
  readonly #unendedOfImage;
  readonly #unended;
  readonly #unendedDeletes;
  readonly #spec;
  /** By the id of the job, the one asked for last at the end. A spec never changes. */
  readonly #specs = new Map<string, JobSpec>();

  /** @param onSecretGone called when a URI was forgotten that may hold a password */
  constructor(sqlite: Sqlite, events: Events, now: () => number, onSecretGone: () => void) {
    this.#sqlite = sqlite;
    this.#events = events;
    this.#now = now;
    this.#onSecretGone = onSecretGone;
    this.#find = sqlite.prepare(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`);
    this.#unendedOfImage = sqlite.prepare(UNENDED_OF_IMAGE);
    this.#unended = sqlite.prepare(`SELECT ${COLUMNS} FROM jobs WHERE ${UNENDED} ORDER BY sequence`);
    this.#unendedDeletes = sqlite.prepare(
      `SELECT image_id AS imageId FROM jobs WHERE ${UNENDED} AND kind = 'delete' ORDER BY sequence`,
    );
    this.#spec = sqlite.prepare('SELECT spec FROM jobs WHERE id = ?').pluck();
  }

  insert(job: {
    readonly id: string;
    readonly imageId: string;
    readonly spec: JobSpec;
    readonly requestedBy: string;
    readonly requestId: string;
    readonly lane?: Lane | undefined;
    /** Of an import by web-download: the whole of it, which is shown to nobody but the agent that fetches. */
    readonly sourceUri?: string | undefined;
  }): Job {
    const { lane = DEFAULT_LANE, sourceUri = null } = job;
    this.#sqlite
      .prepare(
        `INSERT INTO jobs (id, image_id, kind, spec, state, requested_by, request_id, lane, source_uri,
           created_at_ms)
         VALUES (@id, @imageId, @kind, @spec, 'queued', @requestedBy, @requestId, @lane, @sourceUri, @now)`,
      )
      .run({
        ...job,
        lane,
        sourceUri,
        kind: job.spec.kind,
        spec: JSON.stringify(job.spec),
        now: this.#now(),
      });
    const subject = { imageId: job.imageId, jobId: job.id, requestId: job.requestId };
    this.#events.append('job.queued', subject, {
      spec: toldOf(job.spec),
      lane,
      requestedBy: job.requestedBy,
    });
    return this.get(job.id);
  }

  find(id: string): Job | undefined {
    const row = this.#find.get(id) as JobRow | undefined;
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** As `find`; NOT_FOUND when there is none. */
  get(id: string): Job {
    const job = this.find(id);
    if (job !== undefined) return job;
    throw jobNotFound(id);
  }

  /** Where an import downloads from; undefined for any other job, and once it has ended. */
  sourceUri(id: string): string | undefined {
    const uri = this.#sqlite.prepare('SELECT source_uri FROM jobs WHERE id = ?').pluck().get(id);
    return typeof uri === 'string' ? uri : undefined;
  }

  unendedOfImage(imageId: string): Job[] {
    return (this.#unendedOfImage.all(imageId) as JobRow[]).map(this.#fromRow);
  }

  unended(): Job[] {
    return (this.#unended.all() as JobRow[]).map(this.#fromRow);
  }

  /** The images that are to be deleted, oldest request first. */
  imagesToDelete(): string[] {
    return (this.#unendedDeletes.all() as { imageId: string }[]).map(({ imageId }) => imageId);
  }

  /** Newest first; `readableBy` leaves out those of images the operator may not know of. */
  page(options: {
    imageId?: string | undefined;
    all: boolean;
    limit: number;
    readableBy?: Actor | undefined;
  }): Job[] {
    const rows = this.#sqlite
      .prepare(
        `SELECT ${COLUMNS} FROM jobs JOIN images ON images.id = jobs.image_id
         WHERE (@imageId IS NULL OR image_id = @imageId) AND (@all OR ${UNENDED}) AND ${options.imageId === undefined ? READABLE : KNOWN}
         ORDER BY sequence DESC LIMIT @limit`,
      )
      .all({
        ...readableBy(options.readableBy),
        imageId: options.imageId ?? null,
        all: options.all ? 1 : 0,
        limit: options.limit,
      });
    return (rows as JobRow[]).map(this.#fromRow);
  }

  /** The one way to change a state: checks the move, writes it with its time, and logs it. */
  setState(id: string, state: JobState, reason?: Reason): void {
    const before = this.get(id);
    if (!JOB_TRANSITIONS[before.state].includes(state)) {
      throw new Refusal('INTERNAL', `job ${id} cannot go from ${before.state} to ${state}`);
    }
    const now = this.#now();
    if (state !== 'running' && this.sourceUri(id) !== undefined) this.#onSecretGone();
    this.#sqlite
      .prepare(
        `UPDATE jobs SET state = @state, reason_code = @code, reason = @message,
           started_at_ms = CASE WHEN @state = 'running' THEN @now ELSE started_at_ms END,
           ended_at_ms = CASE WHEN @state = 'running' THEN NULL ELSE @now END,
           source_uri = CASE WHEN @state = 'running' THEN source_uri END
         WHERE id = @id`,
      )
      .run({ id, state, now, code: reason?.code ?? null, message: reason?.message ?? null });
    this.#events.append(
      `job.${state}`,
      { imageId: before.imageId, jobId: id, requestId: before.requestId },
      { kind: before.spec.kind, ...reason },
    );
  }

  requestCancel(id: string, requestedBy: string): void {
    const job = this.get(id);
    if (job.cancelRequested) return;
    this.#sqlite.prepare('UPDATE jobs SET cancel_requested = 1 WHERE id = ?').run(id);
    this.#events.append('job.cancel-requested', { imageId: job.imageId, jobId: id }, { requestedBy });
  }

  /** A timetable in its usual form; undefined: no limit. */
  setRate(id: string, rate: string | undefined): void {
    const job = this.get(id);
    if (job.rate === rate) return;
    this.#sqlite.prepare('UPDATE jobs SET rate = ? WHERE id = ?').run(rate ?? null, id);
    this.#events.append('job.rate-set', { imageId: job.imageId, jobId: id }, { rate: rate ?? 'off' });
  }

  pause(id: string): void {
    const job = this.get(id);
    if (job.pausedAtMs !== undefined) return;
    this.#sqlite.prepare('UPDATE jobs SET paused_at_ms = ? WHERE id = ?').run(this.#now(), id);
    this.#events.append('job.paused', { imageId: job.imageId, jobId: id });
  }

  resume(id: string): void {
    const job = this.get(id);
    if (job.pausedAtMs === undefined) return;
    this.#sqlite.prepare('UPDATE jobs SET paused_at_ms = NULL WHERE id = ?').run(id);
    this.#events.append('job.resumed', { imageId: job.imageId, jobId: id });
  }

  /**
   * Brings jobs of an image into this lane that are in one below: somebody waits for what they do. Whether
   * there were any. `last`: the last of them, in order of arrival; without one, all that have not ended.
   */
  raise(imageId: string, lane: Lane, last?: Job): boolean {
    const raised = this.unendedOfImage(imageId).filter((job) => {
      return comesBefore(lane, job.lane) && (last === undefined || job.sequence <= last.sequence);
    });
    for (const { id, lane: before } of raised) {
      this.#sqlite.prepare('UPDATE jobs SET lane = ? WHERE id = ?').run(lane, id);
      this.#events.append('job.lane-raised', { imageId, jobId: id }, { lane, before });
    }
    return raised.length > 0;
  }

  /** Unended jobs by kind and state, how many of them are paused, and when the oldest of each was asked for. */
  countUnended(): { kind: JobKind; state: JobState; count: number; paused: number; oldestMs: number }[] {
    return this.#sqlite
      .prepare(
        `SELECT kind, state, count(*) AS count, min(created_at_ms) AS oldestMs,
           count(*) FILTER (WHERE paused_at_ms IS NOT NULL AND NOT cancel_requested) AS paused FROM jobs
         WHERE ${UNENDED} GROUP BY kind, state`,
      )
      .all() as { kind: JobKind; state: JobState; count: number; paused: number; oldestMs: number }[];
  }

  readonly #fromRow = (row: JobRow): Job => fromRow(row, this.#specOf(row.id));

  #specOf(id: string): JobSpec {
    const spec = this.#specs.get(id) ?? (JSON.parse(this.#spec.get(id) as string) as JobSpec);
    this.#specs.delete(id);
    this.#specs.set(id, spec);
    const [oldest] = this.#specs.keys();
    if (this.#specs.size > SPECS_KEPT && oldest !== undefined) this.#specs.delete(oldest);
    return spec;
  }
}

/** Events tell which properties an image has, but not what they are. */
function toldOf(spec: JobSpec): Omit<JobSpec, 'before'> {
  if (spec.kind !== 'import') return spec;
  const { before: _before, ...told } = spec;
  return told;
}

interface JobRow {
  sequence: number;
  id: string;
  image_id: string;
  state: JobState;
  reason_code: RefusalCode | null;
  reason: string | null;
  cancel_requested: number;
  rate: string | null;
  paused_at_ms: number | null;
  lane: Lane;
  requested_by: string;
  request_id: string;
  created_at_ms: number;
  started_at_ms: number | null;
  ended_at_ms: number | null;
}

function fromRow(row: JobRow, spec: JobSpec): Job {
  return {
    id: row.id,
    sequence: row.sequence,
    imageId: row.image_id,
    spec,
    state: row.state,
    reason: row.reason_code === null ? undefined : { code: row.reason_code, message: row.reason ?? '' },
    cancelRequested: row.cancel_requested === 1,
    rate: row.rate ?? undefined,
    pausedAtMs: row.paused_at_ms ?? undefined,
    lane: row.lane,
    requestedBy: row.requested_by,
    requestId: row.request_id,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms ?? undefined,
    endedAtMs: row.ended_at_ms ?? undefined,
  };
}
