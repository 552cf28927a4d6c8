import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Image } from '../domain/image.ts';
import {
  type ImportSpec,
  isEnded,
  isTaskEnded,
  type Job,
  type StageSpec,
  storesNamed,
  type Task,
  type TaskTotals,
  takesUpload,
  waitsForUpload,
} from '../domain/job.ts';
import { propertyWarnings } from '../domain/properties/check.ts';
import {
  ahead,
  heldBy,
  type ImageView,
  importProgress,
  isPaused,
  pausedStoreOf,
  pausedStores,
  waitingSentence,
} from '../domain/rules/index.ts';
import type { Image as WireImage } from '../rpc/generated/entrepot/v1/Image.ts';
import type { Job as WireJob } from '../rpc/generated/entrepot/v1/Job.ts';
import type { Task as WireTask } from '../rpc/generated/entrepot/v1/Task.ts';
import type { TaskTotals as WireTotals } from '../rpc/generated/entrepot/v1/TaskTotals.ts';
import type { ProgressBoard } from './progress-board.ts';

/** More paused stores than this are counted, not named. */
const NAMED_STORES = 3;

/** An image as operators see it, with the progress of each copy under way (R13). `tasks`: those that have not ended. */
export function imageView(view: ImageView, tasks: readonly Task[], board: ProgressBoard): WireImage {
  const { image, copies, jobs, stores } = view;
  const { importingTo, failed } = importProgress(copies, jobs, stores);
  const taskAt = new Map(tasks.map((task) => [task.storeId, task]));
  return {
    ...imageRecord(image),
    ...(image.staged && { stagedBytes: image.staged.sizeBytes, stagedSha512: image.staged.sha512 }),
    copies: copies.map((copy) => {
      const task = taskAt.get(copy.storeId);
      return {
        storeId: copy.storeId,
        state: copy.state,
        reason: copy.reason ?? task?.reason?.message ?? '',
        verifiedRoot: copy.verifiedRoot ?? '',
        verifiedAtMs: copy.verifiedAtMs ?? 0,
        progress: task === undefined ? null : (board.view(task.id) ?? null),
      };
    }),
    osGlanceImportingToStores: importingTo,
    osGlanceFailedImport: failed,
    propertyWarnings: propertyWarnings(image.properties),
  };
}

/** The Glance v2 record alone. */
export function imageRecord(image: Image): WireImage {
  const { data } = image;
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    owner: image.owner,
    protected: image.protected,
    osHidden: image.osHidden,
    diskFormat: image.diskFormat,
    containerFormat: image.containerFormat,
    minDiskGib: image.minDiskGib,
    minRamMib: image.minRamMib,
    tags: [...image.tags],
    properties: { ...image.properties },
    createdAtMs: image.createdAtMs,
    updatedAtMs: image.updatedAtMs,
    ...(data && {
      sizeBytes: data.sizeBytes,
      virtualSizeBytes: data.virtualSizeBytes,
      dataBytes: data.dataBytes,
      checksum: data.checksum,
      osHashAlgo: data.osHashAlgo,
      osHashValue: data.osHashValue,
      root: data.root,
    }),
  };
}

/** A job as operators see it, with its place among the image's unended jobs (R5). */
export function jobView(job: Job, catalogue: Catalogue, board: ProgressBoard): WireJob {
  const before = job.state === 'queued' ? ahead(job, catalogue.jobs.unendedOfImage(job.imageId)) : [];
  const paused = pausedStores(catalogue.stores.all());
  const tasks = catalogue.tasks.ofJob(job.id);
  return {
    id: job.id,
    kind: job.spec.kind,
    imageId: job.imageId,
    state: job.state,
    reason: job.reason?.message ?? (isEnded(job) ? '' : reasonToWait(job, before, tasks, paused)),
    reasonCode: job.reason?.code ?? '',
    storeIds: storesNamed(job.spec),
    place: before.length,
    ahead: before.map((other) => ({
      id: other.id,
      kind: other.spec.kind,
      state: other.state,
      paused: isPaused(other),
    })),
    tasks: tasks.map((task) => taskView(task, heldBy(task, job, paused), board)),
    requestedBy: job.requestedBy,
    requestId: job.requestId,
    createdAtMs: job.createdAtMs,
    startedAtMs: job.startedAtMs ?? 0,
    endedAtMs: job.endedAtMs ?? 0,
    cancelRequested: job.cancelRequested,
    rate: job.rate ?? '',
    paused: isPaused(job),
    lane: job.lane,
    ...(awaitsBytes(job, tasks) && { uploadBytes: job.spec.sizeBytes }),
  };
}

/** Whether an operator's bytes are not all in yet. */
function awaitsBytes<T extends Job>(
  job: T,
  tasks: readonly Task[],
): job is T & { spec: StageSpec | ImportSpec } {
  return takesUpload(job.spec) && !isEnded(job) && !tasks.some((task) => isTaskEnded(task));
}

/** Why an unended job is not further; empty when nothing but its work keeps it. */
function reasonToWait(
  job: Job,
  before: readonly Job[],
  tasks: readonly Task[],
  paused: ReadonlySet<string>,
): string {
  const held = isPaused(job) ? ['the job is paused'] : pausedSentences(tasks, paused);
  const queued = before.length > 0 ? [waitingSentence(before)] : [];
  return [...queued, ...held, ...uploadSentences(job, tasks)].join('; ');
}

/** Of an upload that nobody is at. */
function uploadSentences({ spec }: Job, tasks: readonly Task[]): string[] {
  const task = takesUpload(spec) ? tasks.find(waitsForUpload) : undefined;
  if (task === undefined) return [];
  return [`waits for the rest of its upload, until ${new Date(task.notBeforeMs).toISOString()}`];
}

/** Of the stores that hold up tasks of a job. */
function pausedSentences(tasks: readonly Task[], paused: ReadonlySet<string>): string[] {
  if (paused.size === 0) return [];
  const holding = new Set<string>();
  for (const task of tasks) {
    const storeId = isTaskEnded(task) ? undefined : pausedStoreOf(task, paused);
    if (storeId !== undefined) holding.add(storeId);
  }
  if (holding.size > NAMED_STORES) return [`${holding.size} stores are paused`];
  return [...holding].map((storeId) => `store ${storeId} is paused`);
}

function taskView(task: Task, held: string | undefined, board: ProgressBoard): WireTask {
  // Whatever kept it up before: it is the pause that does now.
  const isHeld = held !== undefined && !isTaskEnded(task) && task.state !== 'waiting';
  return {
    id: task.id,
    kind: task.kind,
    storeId: task.storeId,
    sourceStoreId: task.sourceStoreId ?? '',
    state: task.state,
    attempt: task.attempt,
    reason: isHeld ? held : (task.reason?.message ?? ''),
    reasonCode: isHeld ? '' : (task.reason?.code ?? ''),
    notBeforeMs: task.notBeforeMs,
    progress: board.view(task.id) ?? null,
    totals: totalsView(task.totals),
  };
}

function totalsView(totals: TaskTotals | undefined): WireTotals | null {
  if (totals === undefined) return null;
  const { traffic, seconds, compression = '' } = totals;
  return { traffic, seconds, compression };
}
