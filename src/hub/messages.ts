import { COMPRESSIONS } from '../domain/compression.ts';
import { CONTAINER_FORMATS, DISK_FORMATS, type ImageData } from '../domain/image.ts';
import {
  type ImportSource,
  PHASES,
  type Phase,
  type Progress,
  type Reason,
  type Traffic,
} from '../domain/job.ts';
import { isRefusalCode, Refusal } from '../domain/refusal.ts';
import type { Assignment, Outcome } from '../queue/agent-port.ts';
import type { Assignment as WireAssignment } from '../rpc/generated/entrepot/v1/Assignment.ts';
import type { Copied__Output } from '../rpc/generated/entrepot/v1/Copied.ts';
import type { Failure__Output } from '../rpc/generated/entrepot/v1/Failure.ts';
import type { Heartbeat__Output } from '../rpc/generated/entrepot/v1/Heartbeat.ts';
import type { Ingested__Output } from '../rpc/generated/entrepot/v1/Ingested.ts';
import type { Progress__Output } from '../rpc/generated/entrepot/v1/Progress.ts';
import type { Staged__Output } from '../rpc/generated/entrepot/v1/Staged.ts';
import type { TaskResult__Output } from '../rpc/generated/entrepot/v1/TaskResult.ts';
import type { Traffic__Output } from '../rpc/generated/entrepot/v1/Traffic.ts';
import type { Space } from '../store/store.ts';
import { imageRecord } from './views.ts';

const HEX_SHA256 = /^[0-9a-f]{64}$/;
const HEX_SHA512 = /^[0-9a-f]{128}$/;
const HEX_MD5 = /^[0-9a-f]{32}$/;

/** Longest reason that is kept; an agent's stack trace is not a reason. */
const REASON_LENGTH = 2_000;

/** Longest name of a clone, `pool/name`, that is repeated to operators. */
const CHILD_LENGTH = 255;

/** Of properties found in a file: how many are kept, and how long each may be, its name included. */
const FOUND_LIMIT = 32;
const FOUND_LENGTH = 1_000;

/** What properties about a signature begin with. */
const SIGNATURE_PREFIX = 'img_signature';

/** Where an agent that is to copy finds its source, and what it has to show there. */
export interface Way {
  readonly sourceAddress: string;
  readonly ticket: string;
}

/** What an agent is told to do. No way: the source will dial it. */
export function assignmentMessage(
  assignment: Assignment,
  { sourceAddress, ticket }: Way = { sourceAddress: '', ticket: '' },
): WireAssignment {
  const { task, attempt, job, image } = assignment;
  const { diskFormat, containerFormat } = image;
  const base = { taskId: task.id, attempt, jobId: job.id, imageId: image.id, requestId: job.requestId };
  const recordJson = JSON.stringify(imageRecord(image));
  switch (task.kind) {
    case 'stage': {
      const sizeBytes = job.spec.kind === 'stage' ? job.spec.sizeBytes : 0;
      return { ...base, stage: { sizeBytes, diskFormat, containerFormat } };
    }
    case 'ingest': {
      if (job.spec.kind !== 'import')
        throw new Refusal('INTERNAL', `task ${task.id} is not one of an import`);
      const { spec } = job;
      const signed = Object.entries(image.properties).filter(([key]) => key.startsWith(SIGNATURE_PREFIX));
      return {
        ...base,
        ingest: {
          sizeBytes: spec.sizeBytes,
          recordJson,
          diskFormat,
          containerFormat,
          expectedDigests: { ...spec.expected },
          signatureProperties: Object.fromEntries(signed),
          ...sourceMessage(spec.source, assignment.sourceUri),
        },
      };
    }
    case 'copy': {
      if (image.data === undefined) throw new Refusal('INTERNAL', `image ${image.id} has no data to copy`);
      const { sizeBytes, root } = image.data;
      const sourceStoreId = task.sourceStoreId ?? '';
      return { ...base, copy: { sizeBytes, root, sourceStoreId, sourceAddress, recordJson, ticket } };
    }
    case 'delete':
      return { ...base, delete: {} };
  }
}

function sourceMessage(source: ImportSource, uri: string | undefined) {
  switch (source.method) {
    case 'upload':
      return {};
    case 'glance-direct':
      return { staged: {} };
    case 'web-download':
      if (uri === undefined) throw new Refusal('INTERNAL', 'an import by web-download has no URI');
      return { web: { uri } };
    case 'adopt': {
      const { pool, image, move } = source;
      return { adopt: { pool, image, move } };
    }
  }
}

/** An agent's report as the queue understands it; INVALID when it makes no sense. */
export function outcomeOfResult(result: TaskResult__Output): Outcome {
  const traffic = trafficOf(result.traffic);
  if (result.failure) return { kind: 'failed', reason: reasonOf(result.failure), traffic };
  if (result.staged) return { kind: 'staged', ...stagedOf(result.staged), traffic };
  if (result.ingested) {
    const { ingested } = result;
    return { kind: 'ingested', data: dataOf(ingested), format: formatOf(ingested), traffic };
  }
  if (result.copied) return { kind: 'copied', verifiedRoot: rootOf(result.copied), traffic };
  if (result.deleted) return { kind: 'deleted', traffic };
  throw new Refusal('INVALID', 'the report of how the task ended says nothing');
}

/** How long an attempt took; 0 when what the agent says makes no sense. */
export function secondsOf(seconds: number): number {
  return Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1000) / 1000 : 0;
}

/** What no image has is counted as nothing: a counter never forgets. */
function trafficOf(traffic: Traffic__Output | null | undefined): Traffic {
  const counted = (bytes = 0) => (Number.isSafeInteger(bytes) ? bytes : 0);
  return {
    receivedBytes: counted(traffic?.receivedBytes),
    wireBytes: counted(traffic?.wireBytes),
    holeBytes: counted(traffic?.holeBytes),
    resumedBytes: counted(traffic?.resumedBytes),
    verifiedBytes: counted(traffic?.verifiedBytes),
  };
}

function rootOf({ verifiedRoot }: Copied__Output): string {
  if (HEX_SHA256.test(verifiedRoot)) return verifiedRoot;
  throw new Refusal('INVALID', 'the report of a copy names no root');
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
    Number.isSafeInteger(sizeBytes) &&
    Number.isSafeInteger(ingested.virtualSizeBytes) &&
    sizeBytes > 0 &&
    dataBytes <= sizeBytes;
  if (!sound)
    throw new Refusal('INVALID', 'the report of what was taken in names no sound digests and sizes');
  const virtualSizeBytes = ingested.virtualSizeBytes || sizeBytes;
  return { sizeBytes, virtualSizeBytes, dataBytes, root, checksum, osHashAlgo, osHashValue };
}

function stagedOf({ sizeBytes, sha512 }: Staged__Output) {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && HEX_SHA512.test(sha512))
    return { sizeBytes, sha512 };
  throw new Refusal('INVALID', 'the report of what was staged names no sound size and digest');
}

/** Undefined of an agent that says nothing of formats: what it takes in is stored as it came. */
function formatOf({ diskFormat: disk, containerFormat: container, properties }: Ingested__Output) {
  if (disk === '' && container === '') return undefined;
  const diskFormat = DISK_FORMATS.find((one) => one === disk);
  const containerFormat = CONTAINER_FORMATS.find((one) => one === container);
  const found = Object.entries(properties);
  const isShort = found.every(([key, value]) => key.length + value.length <= FOUND_LENGTH);
  if (diskFormat === undefined || containerFormat === undefined || found.length > FOUND_LIMIT || !isShort) {
    throw new Refusal('INVALID', 'the report of what was taken in names no sound format');
  }
  return { diskFormat, containerFormat, properties };
}

/** Progress as the agent says it; undefined when it makes no sense, and then it is not shown. */
export function progressOf(progress: Progress__Output | null | undefined): Progress | undefined {
  if (!progress || !isPhase(progress.phase)) return undefined;
  const { phase, doneBytes, totalBytes, resumedBytes, holeBytes, receivedBytes, wireBytes } = progress;
  const bytes = { doneBytes, totalBytes, resumedBytes, holeBytes, receivedBytes, wireBytes };
  if (!Object.values(bytes).every(Number.isSafeInteger)) return undefined;
  return { phase, ...bytes, compression: COMPRESSIONS.find((one) => one === progress.compression) };
}

function isPhase(text: string): text is Phase {
  return (PHASES as readonly string[]).includes(text);
}

/** Undefined when the cluster does not tell, or what it tells makes no sense. */
export function spaceOf({
  freeBytes,
  totalBytes,
}: Pick<Heartbeat__Output, 'freeBytes' | 'totalBytes'>): Space | undefined {
  if (freeBytes === undefined || totalBytes === undefined) return undefined;
  const isSound = Number.isSafeInteger(freeBytes) && Number.isSafeInteger(totalBytes);
  return isSound ? { freeBytes, totalBytes } : undefined;
}

/** Clones as an agent names them, none of them longer than what is worth repeating. */
export function childrenOf(names: readonly string[]): string[] {
  return names.map((name) => name.slice(0, CHILD_LENGTH));
}
