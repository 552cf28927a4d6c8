import type { ImageData } from '../domain/image.ts';
import { PHASES, type Phase, type Progress, type Reason, type Traffic } from '../domain/job.ts';
import { isRefusalCode, Refusal } from '../domain/refusal.ts';
import type { Assignment, Outcome } from '../queue/agent-port.ts';
import type { Assignment as WireAssignment } from '../rpc/generated/entrepot/v1/Assignment.ts';
import type { Failure__Output } from '../rpc/generated/entrepot/v1/Failure.ts';
import type { Ingested__Output } from '../rpc/generated/entrepot/v1/Ingested.ts';
import type { Progress__Output } from '../rpc/generated/entrepot/v1/Progress.ts';
import type { TaskResult__Output } from '../rpc/generated/entrepot/v1/TaskResult.ts';
import type { Traffic__Output } from '../rpc/generated/entrepot/v1/Traffic.ts';
import { imageRecord } from './views.ts';

const HEX_SHA256 = /^[0-9a-f]{64}$/;
const HEX_SHA512 = /^[0-9a-f]{128}$/;
const HEX_MD5 = /^[0-9a-f]{32}$/;

/** Longest reason that is kept; an agent's stack trace is not a reason. */
const REASON_LENGTH = 2_000;

/** What an agent is told to do. `sourceAddress` is empty when the source will dial it. */
export function assignmentMessage(assignment: Assignment, sourceAddress: string): WireAssignment {
  const { task, attempt, job, image } = assignment;
  const base = { taskId: task.id, attempt, jobId: job.id, imageId: image.id, requestId: job.requestId };
  const recordJson = JSON.stringify(imageRecord(image));
  switch (task.kind) {
    case 'ingest': {
      const sizeBytes = job.spec.kind === 'import' ? job.spec.sizeBytes : 0;
      return { ...base, ingest: { sizeBytes, recordJson } };
    }
    case 'copy': {
      if (image.data === undefined) throw new Refusal('INTERNAL', `image ${image.id} has no data to copy`);
      const { sizeBytes, root } = image.data;
      const sourceStoreId = task.sourceStoreId ?? '';
      return { ...base, copy: { sizeBytes, root, sourceStoreId, sourceAddress, recordJson } };
    }
    case 'delete':
      return { ...base, delete: {} };
  }
}

/** An agent's report as the queue understands it; INVALID when it makes no sense. */
export function outcomeOfResult(result: TaskResult__Output): Outcome {
  const traffic = trafficOf(result.traffic);
  if (result.failure) return { kind: 'failed', reason: reasonOf(result.failure), traffic };
  if (result.ingested) return { kind: 'ingested', data: dataOf(result.ingested), traffic };
  if (result.copied) return { kind: 'copied', verifiedRoot: result.copied.verifiedRoot, traffic };
  if (result.deleted) return { kind: 'deleted', traffic };
  throw new Refusal('INVALID', `the result of task ${result.taskId} says nothing`);
}

function trafficOf(traffic: Traffic__Output | null | undefined): Traffic {
  const { receivedBytes = 0, holeBytes = 0, resumedBytes = 0, verifiedBytes = 0 } = traffic ?? {};
  return { receivedBytes, holeBytes, resumedBytes, verifiedBytes };
}

export function reasonOf(failure: Failure__Output): Reason {
  const code = isRefusalCode(failure.code) ? failure.code : 'INTERNAL';
  const message = failure.hint === '' ? failure.message : `${failure.message} (${failure.hint})`;
  return { code, message: message.slice(0, REASON_LENGTH) };
}

function dataOf(ingested: Ingested__Output): ImageData {
  const { sizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue } = ingested;
  const sound =
    HEX_SHA256.test(root) &&
    HEX_MD5.test(checksum) &&
    osHashAlgo === 'sha512' &&
    HEX_SHA512.test(osHashValue) &&
    sizeBytes > 0 &&
    dataBytes <= sizeBytes;
  if (!sound)
    throw new Refusal('INVALID', 'the report of what was taken in names no sound digests and sizes');
  return { sizeBytes, virtualSizeBytes: sizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue };
}

/** Progress as the agent says it; undefined when it makes no sense, and then it is not shown. */
export function progressOf(progress: Progress__Output | null | undefined): Progress | undefined {
  if (!progress || !isPhase(progress.phase)) return undefined;
  const { phase, doneBytes, totalBytes, resumedBytes, holeBytes } = progress;
  return { phase, doneBytes, totalBytes, resumedBytes, holeBytes };
}

function isPhase(text: string): text is Phase {
  return (PHASES as readonly string[]).includes(text);
}
