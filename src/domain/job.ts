import type { Compression } from './compression.ts';
import type { FoundFormat } from './image.ts';
import type { JobPace } from './pace.ts';
import type { RefusalCode } from './refusal.ts';

/** What an operator asked for; one image each. */
export type JobSpec = StageSpec | ImportSpec | CopySpec | DeleteCopySpec | DeleteSpec;
export type JobKind = JobSpec['kind'];

/** A file of any format is put beside the store, for an import by glance-direct. */
export interface StageSpec {
  readonly kind: 'stage';
  readonly storeId: string;
  readonly sizeBytes: number;
}

/** Bytes come in at `entryStoreId`, from there to central (R3), from there to `storeIds` (R12). */
export interface ImportSpec {
  readonly kind: 'import';
  readonly source: ImportSource;
  readonly entryStoreId: string;
  /** Of what comes in; 0 where only the source knows. */
  readonly sizeBytes: number;
  readonly storeIds: readonly string[];
  readonly allMustSucceed: boolean;
  /** What the bytes must hash to as they come, before anything is unpacked or converted. */
  readonly expected?: ExpectedDigests;
  /** Set on the image when its data is in, whatever its owner gave. */
  readonly injectedProperties?: Readonly<Record<string, string>>;
  /** What the image was declared as: what it is again when the import is taken back. */
  readonly before?: Omit<FoundFormat, 'properties'>;
}

/** Where the bytes of an import come from, by Glance's names for the methods. */
export type ImportSource =
  /** An operator's upload of raw data, straight into the store. */
  | { readonly method: 'upload' }
  /** What a stage job has put beside the store. */
  | { readonly method: 'glance-direct' }
  /** Without what may be secret in it: that is kept apart, see `Jobs.sourceUri`. */
  | { readonly method: 'web-download'; readonly uri: string }
  /** An image that is in the cluster already. */
  | {
      readonly method: 'adopt';
      readonly pool: string;
      readonly image: string;
      /** Whether it may be renamed, instead of copied. */
      readonly move: boolean;
    };

/** In hexadecimal. */
export interface ExpectedDigests {
  readonly md5?: string;
  readonly sha256?: string;
  readonly sha512?: string;
}

export interface CopySpec {
  readonly kind: 'copy';
  readonly storeIds: readonly string[];
  readonly allMustSucceed: boolean;
}

export interface DeleteCopySpec {
  readonly kind: 'delete-copy';
  readonly storeId: string;
}

export interface DeleteSpec {
  readonly kind: 'delete';
}

/** The stores a request speaks of; central is part of every import, named or not. */
export function storesNamed(spec: JobSpec): string[] {
  switch (spec.kind) {
    case 'stage':
      return [spec.storeId];
    case 'import':
      return [...new Set([spec.entryStoreId, ...spec.storeIds])];
    case 'copy':
      return [...spec.storeIds];
    case 'delete-copy':
      return [spec.storeId];
    case 'delete':
      return [];
  }
}

export const JOB_STATES = ['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['running', 'cancelled', 'failed', 'succeeded'],
  running: ['succeeded', 'partial', 'failed', 'cancelled'],
  succeeded: [],
  partial: [],
  failed: [],
  cancelled: [],
};

export interface Reason {
  readonly code: RefusalCode;
  readonly message: string;
}

export interface Job extends JobPace {
  readonly id: string;
  /** Order of arrival (R5). */
  readonly sequence: number;
  readonly imageId: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly reason: Reason | undefined;
  readonly cancelRequested: boolean;
  readonly requestedBy: string;
  readonly requestId: string;
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

export function isEnded(job: Pick<Job, 'state'>): boolean {
  return job.state !== 'queued' && job.state !== 'running';
}

export const TASK_KINDS = ['stage', 'ingest', 'copy', 'delete'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

export const TASK_STATES = ['queued', 'assigned', 'running', 'waiting', 'done', 'failed'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/**
 * queued: to be handed out (not before `notBeforeMs`). assigned: sent to the agent.
 * running: the agent reported. waiting: its site, or the source's, is away.
 */
export const TASK_TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  queued: ['assigned', 'waiting', 'failed', 'done'],
  assigned: ['running', 'waiting', 'queued', 'done', 'failed'],
  running: ['waiting', 'queued', 'done', 'failed'],
  waiting: ['queued', 'running', 'done', 'failed'],
  done: [],
  failed: [],
};

/** One agent's part of a job. */
export interface Task {
  readonly id: string;
  readonly jobId: string;
  readonly imageId: string;
  readonly storeId: string;
  readonly kind: TaskKind;
  /** For a copy: where from. */
  readonly sourceStoreId: string | undefined;
  readonly state: TaskState;
  /** Grows with each assignment; a report with an older number is ignored. */
  readonly attempt: number;
  /** How many attempts failed in a way that counts against the limit. */
  readonly failures: number;
  readonly notBeforeMs: number;
  readonly reason: Reason | undefined;
  /** Of its attempts that have ended; undefined before the first has. */
  readonly totals: TaskTotals | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Whether its bytes come from an operator, by an Upload call. */
export function takesUpload(spec: JobSpec): spec is StageSpec | ImportSpec {
  return spec.kind === 'stage' || (spec.kind === 'import' && spec.source.method === 'upload');
}

/** Of a job that takes an upload: it broke off, and nobody has come back to it yet. */
export function brokeOff(task: Pick<Task, 'kind' | 'state' | 'failures'>): boolean {
  const { kind, failures } = task;
  return (kind === 'stage' || kind === 'ingest') && !isTaskEnded(task) && failures > 0;
}

/** The same, and what came is kept for who comes back: nobody is at it any more. */
export function waitsForUpload(task: Pick<Task, 'kind' | 'state' | 'failures'>): boolean {
  return brokeOff(task) && task.state === 'queued';
}

export function isTaskEnded(task: Pick<Task, 'state'>): boolean {
  return task.state === 'done' || task.state === 'failed';
}

export const PHASES = [
  'preparing',
  'fetching',
  'staging',
  'decompressing',
  'converting',
  'hashing',
  'transferring',
  'flushing',
  'verifying',
  'publishing',
  'removing',
] as const;
export type Phase = (typeof PHASES)[number];

/** How far an attempt is, as its agent counts it. */
export interface Progress {
  readonly phase: Phase;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Of doneBytes: taken over from an earlier attempt. */
  readonly resumedBytes: number;
  /** Of the image: never sent, being holes. */
  readonly holeBytes: number;
  /** Image data that has arrived in this attempt. What is put together but not yet written is in it. */
  readonly receivedBytes: number;
  /** What `receivedBytes` came to on the wire: less, where it was sent packed. */
  readonly wireBytes: number;
  /** Whether the source packs what it sends, and why; undefined until it has said so. */
  readonly compression?: Compression | undefined;
}

/** What the attempts at a task came to. */
export interface TaskTotals {
  /** Received, on the wire and verified: of all attempts; holes and resumed: of the last one. */
  readonly traffic: Traffic;
  /** That they were at work. */
  readonly seconds: number;
  /** The last that was said. */
  readonly compression?: Compression | undefined;
}

/** The totals after one more attempt. */
export function addTotals(before: TaskTotals | undefined, attempt: TaskTotals): TaskTotals {
  const { traffic = NO_TRAFFIC, seconds = 0, compression } = before ?? {};
  return {
    traffic: {
      ...attempt.traffic,
      receivedBytes: traffic.receivedBytes + attempt.traffic.receivedBytes,
      wireBytes: traffic.wireBytes + attempt.traffic.wireBytes,
      verifiedBytes: traffic.verifiedBytes + attempt.traffic.verifiedBytes,
    },
    seconds: seconds + attempt.seconds,
    compression: attempt.compression ?? compression,
  };
}

/** Of an attempt that knows of no bytes yet, or moves none. */
export function noProgress(phase: Phase): Progress {
  const none = { doneBytes: 0, totalBytes: 0, resumedBytes: 0, holeBytes: 0 };
  return { phase, ...none, receivedBytes: 0, wireBytes: 0 };
}

/** Bytes of one attempt by what became of them. */
export interface Traffic {
  readonly receivedBytes: number;
  /** What `receivedBytes` came to on the wire. */
  readonly wireBytes: number;
  readonly holeBytes: number;
  readonly resumedBytes: number;
  readonly verifiedBytes: number;
}

export const NO_TRAFFIC: Traffic = Object.freeze({
  receivedBytes: 0,
  wireBytes: 0,
  holeBytes: 0,
  resumedBytes: 0,
  verifiedBytes: 0,
});
