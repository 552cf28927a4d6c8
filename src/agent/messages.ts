import type { ImageData } from '../domain/image.ts';
import type { Progress, Traffic } from '../domain/job.ts';
import { DEFAULT_LANE, LANES, type Lane } from '../domain/lane.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Assignment__Output } from '../rpc/generated/entrepot/v1/Assignment.ts';
import type { Failure } from '../rpc/generated/entrepot/v1/Failure.ts';
import type { Pacing__Output } from '../rpc/generated/entrepot/v1/Pacing.ts';
import type { TaskResult } from '../rpc/generated/entrepot/v1/TaskResult.ts';

/*
 * The agent's words for what goes over Attach. Wire types stop here.
 */

export interface IngestWork {
  readonly kind: 'ingest';
  readonly sizeBytes: number;
  readonly recordJson: string;
}

export interface CopyWork {
  readonly kind: 'copy';
  readonly sizeBytes: number;
  readonly root: string;
  readonly sourceStoreId: string;
  /** Undefined: the source dials us. */
  readonly sourceAddress: string | undefined;
  readonly recordJson: string;
  /** For the source. Empty when the source dials us. */
  readonly ticket: string;
}

export interface DeleteWork {
  readonly kind: 'delete';
}

/** Work of a hub newer than this agent. */
interface UnknownWork {
  readonly kind: 'unknown';
}

type Work = IngestWork | CopyWork | DeleteWork | UnknownWork;

/** One attempt at a task, as the hub names it everywhere. */
export interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

export interface Assignment<W extends Work = Work> extends AttemptKey {
  readonly jobId: string;
  readonly imageId: string;
  readonly requestId: string;
  readonly work: W;
}

export type Outcome =
  | { readonly kind: 'ingested'; readonly data: ImageData }
  | { readonly kind: 'copied'; readonly verifiedRoot: string }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'failed'; readonly refusal: Refusal };

export interface Result extends AttemptKey {
  readonly outcome: Outcome;
  readonly traffic: Traffic;
  /** That the attempt was at work. */
  readonly seconds: number;
}

/** How fast image data of a store, or of a job, may be sent. */
export interface PaceTerms {
  /** A timetable as the hub wrote it; empty: no limit. */
  readonly rate: string;
  readonly paused: boolean;
}

export interface JobTerms extends PaceTerms {
  readonly lane: Lane;
}

/** By id. Of what is not in it there is no limit, and it isn't paused. */
export interface PacingTerms {
  readonly stores: ReadonlyMap<string, PaceTerms>;
  readonly jobs: ReadonlyMap<string, JobTerms>;
}

export function readAssignment(wire: Assignment__Output): Assignment {
  const { taskId, attempt, jobId, imageId, requestId } = wire;
  return { taskId, attempt, jobId, imageId, requestId, work: readWork(wire) };
}

function readWork(wire: Assignment__Output): Work {
  if (wire.ingest) {
    return { kind: 'ingest', sizeBytes: wire.ingest.sizeBytes, recordJson: wire.ingest.recordJson };
  }
  if (wire.copy) {
    const { sizeBytes, root, sourceStoreId, sourceAddress, recordJson, ticket } = wire.copy;
    return {
      kind: 'copy',
      sizeBytes,
      root,
      sourceStoreId,
      sourceAddress: sourceAddress === '' ? undefined : sourceAddress,
      recordJson,
      ticket,
    };
  }
  return wire.delete ? { kind: 'delete' } : { kind: 'unknown' };
}

export function readPacing({ stores, jobs }: Pacing__Output): PacingTerms {
  return {
    stores: new Map(stores.map(({ storeId, rate, paused }) => [storeId, { rate, paused }])),
    jobs: new Map(
      jobs.map(({ jobId, rate, paused, lane }) => [jobId, { rate, paused, lane: readLane(lane) }]),
    ),
  };
}

/** One this agent does not know, of a newer hub, is the usual one. */
function readLane(text: string): Lane {
  return LANES.find((lane) => lane === text) ?? DEFAULT_LANE;
}

export function progressMessage(key: AttemptKey, progress: Progress): AgentMessage {
  const { compression = '', ...rest } = progress;
  return { progress: { taskId: key.taskId, attempt: key.attempt, progress: { ...rest, compression } } };
}

export function resultMessage(result: Result): AgentMessage {
  const { taskId, attempt, traffic, seconds } = result;
  return { result: { taskId, attempt, traffic, seconds, ...outcomeMessage(result.outcome) } };
}

function outcomeMessage(outcome: Outcome): Partial<TaskResult> {
  switch (outcome.kind) {
    case 'ingested': {
      const { sizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue } = outcome.data;
      return { ingested: { sizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue } };
    }
    case 'copied':
      return { copied: { verifiedRoot: outcome.verifiedRoot } };
    case 'deleted':
      return { deleted: {} };
    case 'failed':
      return { failure: failureMessage(outcome.refusal) };
  }
}

export function failureMessage(refusal: Refusal): Failure {
  return { code: refusal.code, message: refusal.message, hint: refusal.hint ?? '' };
}
