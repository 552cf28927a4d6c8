import type {
  Copy,
  Credential,
  Event,
  Image,
  ImageMember,
  Job,
  Location,
  Operator,
  Progress,
  Store,
  Task,
} from '../wire.ts';
import { percentOf } from './units.ts';

/*
 * The JSON of `-o json`, documented in docs/cli.md. Keys are the proto's field names; a time
 * `x_ms` becomes `x_at` in ISO 8601; what is absent is null, never left out or empty, so that a
 * script may rely on every key.
 */

export function imageJson(image: Image) {
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    owner: image.owner,
    protected: image.protected,
    os_hidden: image.osHidden,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    size_bytes: image.sizeBytes ?? null,
    virtual_size_bytes: image.virtualSizeBytes ?? null,
    min_disk_gib: image.minDiskGib,
    min_ram_mib: image.minRamMib,
    checksum: textOrNull(image.checksum),
    os_hash_algo: textOrNull(image.osHashAlgo),
    os_hash_value: textOrNull(image.osHashValue),
    tags: image.tags,
    properties: image.properties,
    created_at: timeOrNull(image.createdAtMs),
    updated_at: timeOrNull(image.updatedAtMs),
    root: textOrNull(image.root),
    data_bytes: image.dataBytes ?? null,
    copies: image.copies.map(copyJson),
    os_glance_importing_to_stores: image.osGlanceImportingToStores,
    os_glance_failed_import: image.osGlanceFailedImport,
    property_warnings: image.propertyWarnings,
    staged_bytes: image.stagedBytes ?? null,
    staged_sha512: textOrNull(image.stagedSha512),
  };
}

export function memberJson(member: ImageMember) {
  return {
    image_id: member.imageId,
    member: member.member,
    status: member.status,
    created_at: timeOrNull(member.createdAtMs),
    updated_at: timeOrNull(member.updatedAtMs),
  };
}

function copyJson(copy: Copy) {
  return {
    store_id: copy.storeId,
    state: copy.state,
    reason: textOrNull(copy.reason),
    verified_root: textOrNull(copy.verifiedRoot),
    verified_at: timeOrNull(copy.verifiedAtMs),
    progress: progressJson(copy.progress),
  };
}

/** With `percent`, which is ours: whole percents, rounded down. */
function progressJson(progress: Progress | null) {
  if (progress === null || progress === undefined) return null;
  return {
    phase: progress.phase,
    done_bytes: progress.doneBytes,
    total_bytes: progress.totalBytes,
    percent: percentOf(progress.doneBytes, progress.totalBytes) ?? null,
    resumed_bytes: progress.resumedBytes,
    hole_bytes: progress.holeBytes,
    received_bytes: progress.receivedBytes,
    wire_bytes: progress.wireBytes,
    compression: textOrNull(progress.compression),
    rate_bytes_per_second: progress.rateBytesPerSecond ?? null,
    remaining_seconds: progress.remainingSeconds ?? null,
    updated_at: timeOrNull(progress.updatedAtMs),
  };
}

export function locationJson(location: Location) {
  return {
    url: location.url,
    store_id: location.storeId,
    verified_root: textOrNull(location.verifiedRoot),
    verified_at: timeOrNull(location.verifiedAtMs),
  };
}

export function jobJson(job: Job) {
  return {
    id: job.id,
    kind: job.kind,
    image_id: job.imageId,
    state: job.state,
    reason: textOrNull(job.reason),
    reason_code: textOrNull(job.reasonCode),
    store_ids: job.storeIds,
    place: job.place,
    ahead: job.ahead.map(({ id, kind, state, paused }) => ({ id, kind, state, paused })),
    tasks: job.tasks.map(taskJson),
    requested_by: textOrNull(job.requestedBy),
    request_id: textOrNull(job.requestId),
    created_at: timeOrNull(job.createdAtMs),
    started_at: timeOrNull(job.startedAtMs),
    ended_at: timeOrNull(job.endedAtMs),
    cancel_requested: job.cancelRequested,
    rate: textOrNull(job.rate),
    paused: job.paused,
    lane: job.lane,
    upload_bytes: job.uploadBytes ?? null,
  };
}

function taskJson(task: Task) {
  return {
    id: task.id,
    kind: task.kind,
    store_id: task.storeId,
    source_store_id: textOrNull(task.sourceStoreId),
    state: task.state,
    attempt: task.attempt,
    reason: textOrNull(task.reason),
    reason_code: textOrNull(task.reasonCode),
    not_before_at: timeOrNull(task.notBeforeMs),
    progress: progressJson(task.progress),
    totals: totalsJson(task.totals),
  };
}

function totalsJson(totals: Task['totals']) {
  if (totals?.traffic == null) return null;
  const { receivedBytes, wireBytes, holeBytes, resumedBytes, verifiedBytes } = totals.traffic;
  return {
    received_bytes: receivedBytes,
    wire_bytes: wireBytes,
    hole_bytes: holeBytes,
    resumed_bytes: resumedBytes,
    verified_bytes: verifiedBytes,
    compression: textOrNull(totals.compression),
    seconds: totals.seconds,
  };
}

export function storeJson(store: Store) {
  return {
    id: store.id,
    role: store.role,
    driver: textOrNull(store.driver),
    fsid: textOrNull(store.fsid),
    pool: textOrNull(store.pool),
    online: store.online,
    online_since_at: timeOrNull(store.onlineSinceMs),
    last_seen_at: timeOrNull(store.lastSeenMs),
    present_copies: store.presentCopies,
    free_bytes: store.freeBytes ?? null,
    total_bytes: store.totalBytes ?? null,
    agent_version: textOrNull(store.agentVersion),
    revoked: store.revoked,
    certificate_expires_at: timeOrNull(store.certificateExpiresAtMs),
    rate: textOrNull(store.rate),
    paused: store.paused,
  };
}

export function operatorJson(operator: Operator) {
  return {
    name: operator.name,
    role: operator.role,
    created_at: timeOrNull(operator.createdAtMs),
    revoked_at: timeOrNull(operator.revokedAtMs),
    credentials: operator.credentials.map(credentialJson),
  };
}

function credentialJson(credential: Credential) {
  return {
    id: credential.id,
    kind: credential.kind,
    created_at: timeOrNull(credential.createdAtMs),
    expires_at: timeOrNull(credential.expiresAtMs),
    revoked_at: timeOrNull(credential.revokedAtMs),
  };
}

/** Its time is `at`, and `detail` is the object the hub has as text. */
export function eventJson(event: Event) {
  return {
    sequence: event.sequence,
    at: timeOrNull(event.atMs),
    kind: event.kind,
    actor: event.actor,
    peer: textOrNull(event.peer),
    request_id: textOrNull(event.requestId),
    outcome: event.outcome,
    image_id: textOrNull(event.imageId),
    store_id: textOrNull(event.storeId),
    job_id: textOrNull(event.jobId),
    task_id: textOrNull(event.taskId),
    detail: detailOf(event.detailJson),
  };
}

/** What the hub has as the text of a JSON object; null when it has nothing, the text when it is none. */
export function detailOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}

export function timeOrNull(ms: number): string | null {
  return ms > 0 ? new Date(ms).toISOString() : null;
}
