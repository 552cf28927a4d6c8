import { CONTAINER_FORMATS, DISK_FORMATS, type FoundFormat, type ImageData } from '../domain/image.ts';
import type { ExpectedDigests, Progress, Traffic } from '../domain/job.ts';
import { DEFAULT_LANE, LANES, type Lane } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Declared } from '../image/entry.ts';
import type { AdoptSource__Output } from '../rpc/generated/entrepot/v1/AdoptSource.ts';
import type { AgentMessage } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Assignment__Output } from '../rpc/generated/entrepot/v1/Assignment.ts';
import type { Failure } from '../rpc/generated/entrepot/v1/Failure.ts';
import type { Ingest__Output } from '../rpc/generated/entrepot/v1/Ingest.ts';
import type { Pacing__Output } from '../rpc/generated/entrepot/v1/Pacing.ts';
import type { TaskResult } from '../rpc/generated/entrepot/v1/TaskResult.ts';

/*
 * The agent's words for what goes over Attach. Wire types stop here.
 */

export interface IngestWork {
  readonly kind: 'ingest';
  /** Of what comes in; 0 where only the source knows. */
  readonly sizeBytes: number;
  readonly recordJson: string;
  readonly source: IngestSource;
  /** What the file is said to be. */
  readonly declared: Declared;
  /** What it must hash to as it comes, in hexadecimal. */
  readonly expected: ExpectedDigests;
  /** Those of the image that are about a signature. */
  readonly signatureProperties: Readonly<Record<string, string>>;
}

export type IngestSource =
  | { readonly from: 'upload' }
  | { readonly from: 'staging' }
  /** The URI may hold credentials. */
  | { readonly from: 'web'; readonly uri: string }
  | AdoptSource;

export interface AdoptSource {
  readonly from: 'pool';
  readonly pool: string;
  readonly image: string;
  readonly move: boolean;
}

export interface StageWork {
  readonly kind: 'stage';
  readonly sizeBytes: number;
  readonly declared: Declared;
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

type Work = StageWork | IngestWork | CopyWork | DeleteWork | UnknownWork;

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
  | { readonly kind: 'staged'; readonly sizeBytes: number; readonly sha512: string }
  | { readonly kind: 'ingested'; readonly data: ImageData; readonly format: FoundFormat }
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
    const { sizeBytes, recordJson, expectedDigests, signatureProperties } = wire.ingest;
    return {
      kind: 'ingest',
      sizeBytes,
      recordJson,
      source: readSource(wire.ingest),
      declared: readDeclared(wire.ingest),
      expected: readDigests(expectedDigests),
      signatureProperties,
    };
  }
  if (wire.stage) {
    return { kind: 'stage', sizeBytes: wire.stage.sizeBytes, declared: readDeclared(wire.stage) };
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

function readSource({ staged, web, adopt }: Ingest__Output): IngestSource {
  if (staged) return { from: 'staging' };
  if (web) return { from: 'web', uri: web.uri };
  if (adopt) return readAdopt(adopt);
  return { from: 'upload' };
}

export function readAdopt({ pool, image, move }: AdoptSource__Output): AdoptSource {
  return { from: 'pool', pool, image, move };
}

/** A hub that says nothing speaks of raw disks. Formats of a newer hub are not let in by an agent that does not know them. */
function readDeclared(wire: { readonly diskFormat: string; readonly containerFormat: string }): Declared {
  const diskFormat = DISK_FORMATS.find((one) => one === (wire.diskFormat || 'raw'));
  const containerFormat = CONTAINER_FORMATS.find((one) => one === (wire.containerFormat || 'bare'));
  if (diskFormat !== undefined && containerFormat !== undefined) return { diskFormat, containerFormat };
  throw new Refusal('UNSUPPORTED', 'this agent does not know the format of the image', {
    hint: 'the hub is newer than the agent: update the agent',
  });
}

function readDigests({ md5, sha256, sha512 }: Readonly<Record<string, string>>): ExpectedDigests {
  return { ...(md5 && { md5 }), ...(sha256 && { sha256 }), ...(sha512 && { sha512 }) };
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
      const { sizeBytes, virtualSizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue } =
        outcome.data;
      const { format } = outcome;
      const properties = { ...format.properties };
      return {
        ingested: {
          sizeBytes,
          dataBytes,
          root,
          checksum,
          osHashAlgo,
          osHashValue,
          ...format,
          properties,
          virtualSizeBytes,
        },
      };
    }
    case 'staged':
      return { staged: { sizeBytes: outcome.sizeBytes, sha512: outcome.sha512 } };
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
