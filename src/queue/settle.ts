import type { Catalogue } from '../catalogue/catalogue.ts';
import type { FoundFormat } from '../domain/image.ts';
import type { Reason, Task } from '../domain/job.ts';
import { requireVerified } from '../domain/rules/index.ts';
import type { Outcome } from './agent-port.ts';
import type { QueueParts } from './parts.ts';
import { delayMs, judge } from './retry.ts';

/**
 * What an attempt's end does to the catalogue. All of these run inside a transaction.
 * A Refusal from `applyOutcome` means that the report is not acceptable.
 */
export function applyOutcome(catalogue: Catalogue, task: Task, outcome: Outcome): void {
  const { imageId, storeId, jobId } = task;
  switch (outcome.kind) {
    case 'failed':
      return;
    case 'staged': {
      const { sizeBytes, sha512 } = outcome;
      catalogue.images.setStaged(imageId, { storeId, sizeBytes, sha512 }, { jobId });
      break;
    }
    case 'ingested':
      catalogue.images.setData(imageId, outcome.data, { jobId });
      catalogue.images.setFormat(imageId, formatAfter(catalogue, task, outcome.format));
      // An edge-born image counts only once central has it (R3): its copy is held back.
      if (catalogue.stores.find(storeId)?.role === 'central') {
        catalogue.copies.set(imageId, storeId, 'present', { verifiedRoot: outcome.data.root, jobId });
      }
      break;
    case 'copied':
      requireVerified(catalogue.images.get(imageId), storeId, outcome.verifiedRoot);
      catalogue.copies.set(imageId, storeId, 'present', { verifiedRoot: outcome.verifiedRoot, jobId });
      break;
    case 'deleted':
      catalogue.copies.set(imageId, storeId, 'absent', { jobId });
  }
  catalogue.tasks.set(task.id, 'done');
}

/**
 * What the image is stored as. The owner's own properties win over what was found in the file, and what the
 * cloud injects wins over both.
 */
function formatAfter(catalogue: Catalogue, { imageId, jobId }: Task, found?: FoundFormat): FoundFormat {
  const image = catalogue.images.get(imageId);
  const { spec } = catalogue.jobs.get(jobId);
  const injected = spec.kind === 'import' ? spec.injectedProperties : undefined;
  const { diskFormat, containerFormat } = found ?? image;
  const properties = { ...found?.properties, ...image.properties, ...injected };
  return { diskFormat, containerFormat, properties };
}

/**
 * A job was cancelled while its site was away, and the agent had finished all the same. The
 * copy is there, and it counts when it is the image's; what is left of a cancelled import is
 * marked failed, so that a delete of the image, or of this copy, removes it.
 */
export function applyLate(catalogue: Catalogue, task: Task, outcome: Outcome): void {
  const { imageId, storeId, jobId } = task;
  const image = catalogue.images.get(imageId);
  const { spec } = catalogue.jobs.get(jobId);
  // What was adopted was there before, and is left where it is.
  const isAdopted = spec.kind === 'import' && spec.source.method === 'adopt' && outcome.kind === 'ingested';
  const isMade = !isAdopted && (outcome.kind === 'copied' || outcome.kind === 'ingested');
  const isTaken = catalogue.copies.find(imageId, storeId) !== undefined;
  if (!isMade || task.state !== 'failed' || isTaken || image.status === 'deleted') return;
  catalogue.copies.set(imageId, storeId, 'copying', { jobId });
  if (outcome.kind === 'copied' && image.status === 'active' && image.data?.root === outcome.verifiedRoot) {
    catalogue.copies.set(imageId, storeId, 'present', { verifiedRoot: outcome.verifiedRoot, jobId });
  } else {
    catalogue.copies.set(imageId, storeId, 'failed', {
      reason: `left over from job ${jobId}, cancelled`,
      isLeftOver: true,
      jobId,
    });
  }
}

/** Puts the task back in line or gives it up; true when it will be tried again. */
export function applyFailure(parts: QueueParts, task: Task, reason: Reason): boolean {
  const { catalogue, retry, now, random } = parts;
  const job = catalogue.jobs.get(task.jobId);
  const isToCentral = catalogue.stores.find(task.storeId)?.role === 'central';
  const verdict = judge(task, job, reason, retry, isToCentral);
  // A cancelled job's copy is not repeated; a delete that was begun is.
  const isUnwanted = job.cancelRequested && task.kind !== 'delete';
  if (!verdict.again || isUnwanted) {
    giveUp(catalogue, task, isUnwanted ? CANCELLED : reason);
    return false;
  }
  if (verdict.afterMs !== undefined && isToBeDeleted(catalogue, task.imageId)) {
    giveUp(catalogue, task, TO_BE_DELETED);
    return false;
  }
  const failures = task.failures + (verdict.counts ? 1 : 0);
  const notBeforeMs = now() + (verdict.afterMs ?? delayMs(task.attempt, retry, random));
  catalogue.tasks.set(task.id, 'queued', { failures, notBeforeMs, reason });
  if (task.kind === 'stage') return true;
  const state = task.kind === 'delete' ? 'deleting' : 'copying';
  const { imageId, storeId, jobId } = task;
  catalogue.copies.set(imageId, storeId, state, { reason: reason.message, jobId });
  return true;
}

/** Then nobody comes back to an upload that broke off, and the delete would wait for as long as it is kept. */
function isToBeDeleted(catalogue: Catalogue, imageId: string): boolean {
  return catalogue.jobs.unendedOfImage(imageId).some(({ spec }) => spec.kind === 'delete');
}

/**
 * A store is removed: the deletes that wait for it end, as nothing will ever be known of them. What
 * it holds is forgotten by `Copies.forget`. Returns them.
 */
export function abandon(catalogue: Catalogue, storeId: string): Task[] {
  const reason = { code: 'CONFLICT', message: `store ${storeId} was removed from the cloud` } as const;
  const tasks = catalogue.tasks.unended(storeId);
  for (const task of tasks) catalogue.tasks.set(task.id, 'failed', { reason });
  return tasks;
}

const CANCELLED: Reason = { code: 'CANCELLED', message: 'cancelled' };
const TO_BE_DELETED: Reason = {
  code: 'CANCELLED',
  message: 'the upload broke off, and the image is to be deleted',
};

/**
 * The task failed for good. What it was making is absent or marked failed. What it could
 * not delete is back only when it is known to be untouched; otherwise it is not listed.
 */
export function giveUp(catalogue: Catalogue, task: Task, reason: Reason): void {
  const { imageId, storeId, jobId } = task;
  catalogue.tasks.set(task.id, 'failed', { reason });
  if (task.kind === 'stage') return;
  if (task.kind === 'delete') {
    const untouched = task.attempt === 0 || reason.code === 'IN_USE';
    const whole = catalogue.copies.find(imageId, storeId)?.verifiedRoot !== undefined;
    const state = untouched && whole ? 'present' : 'failed';
    catalogue.copies.set(imageId, storeId, state, { reason: reason.message, jobId });
  } else if (task.kind === 'ingest' || reason.code === 'CANCELLED') {
    // An agent puts away what it was making of these; the inventory shows what was left over.
    catalogue.copies.set(imageId, storeId, 'absent', { jobId });
  } else {
    catalogue.copies.set(imageId, storeId, 'failed', { reason: reason.message, jobId });
  }
}
