import type {
  Copy,
  Credential,
  Event,
  Image,
  ImageMember,
  Job,
  Operator,
  Progress,
  Store,
  Task,
} from '../../../src/cli/wire.ts';

export const IMAGE_ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
export const JOB_ID = '7c1e5b9a-03d4-4f6e-8a21-5b0c9d7e4f32';
export const CREDENTIAL_ID = '0b8f4c4e-5a0e-4f7e-9b1d-8d1f6a2f3c55';
export const OTHER_JOB_ID = '11111111-2222-4333-8444-555555555555';
/** 2026-11-20 12:00:00Z */
export const NOON_MS = Date.UTC(2026, 10, 20, 12);
export const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

export function progress(changes: Partial<Progress> = {}): Progress {
  return {
    phase: 'transferring',
    doneBytes: 32 * MIB,
    totalBytes: 64 * MIB,
    resumedBytes: 0,
    holeBytes: 192 * MIB,
    rateBytesPerSecond: 16 * MIB,
    remainingSeconds: 2,
    updatedAtMs: NOON_MS,
    wireBytes: 32 * MIB,
    compression: '',
    receivedBytes: 32 * MIB,
    ...changes,
  };
}

export function task(changes: Partial<Task> = {}): Task {
  return {
    id: 'task-1',
    kind: 'copy',
    storeId: 'dcn0',
    sourceStoreId: 'central',
    state: 'running',
    attempt: 1,
    reason: '',
    reasonCode: '',
    notBeforeMs: 0,
    progress: progress(),
    totals: null,
    ...changes,
  };
}

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: JOB_ID,
    kind: 'copy',
    imageId: IMAGE_ID,
    state: 'running',
    reason: '',
    reasonCode: '',
    storeIds: ['dcn0'],
    place: 0,
    ahead: [],
    tasks: [task()],
    requestedBy: 'operator',
    requestId: 'req-1',
    createdAtMs: NOON_MS,
    startedAtMs: NOON_MS + 1000,
    endedAtMs: 0,
    cancelRequested: false,
    rate: '',
    paused: false,
    lane: 'normal',
    ...changes,
  };
}

export function endedJob(changes: Partial<Job> = {}): Job {
  return job({
    state: 'succeeded',
    endedAtMs: NOON_MS + 5000,
    tasks: [task({ state: 'done', progress: progress({ doneBytes: 64 * MIB }) })],
    ...changes,
  });
}

export function queuedJob(changes: Partial<Job> = {}): Job {
  return job({
    state: 'queued',
    startedAtMs: 0,
    tasks: [],
    place: 1,
    ahead: [{ id: OTHER_JOB_ID, kind: 'import', state: 'running', paused: false }],
    ...changes,
  });
}

export function copy(changes: Partial<Copy> = {}): Copy {
  return {
    storeId: 'central',
    state: 'present',
    reason: '',
    verifiedRoot: 'ab'.repeat(32),
    verifiedAtMs: NOON_MS,
    progress: null,
    ...changes,
  };
}

export function image(changes: Partial<Image> = {}): Image {
  return {
    id: IMAGE_ID,
    name: 'debian-13',
    status: 'active',
    visibility: 'private',
    owner: 'operator',
    protected: false,
    osHidden: false,
    diskFormat: 'raw',
    containerFormat: 'bare',
    sizeBytes: 256 * MIB,
    virtualSizeBytes: 256 * MIB,
    minDiskGib: 0,
    minRamMib: 0,
    checksum: '0cc175b9c0f1b6a831c399e269772661',
    osHashAlgo: 'sha512',
    osHashValue: 'cd'.repeat(64),
    tags: [],
    properties: {},
    createdAtMs: NOON_MS,
    updatedAtMs: NOON_MS + 1000,
    root: 'ab'.repeat(32),
    dataBytes: 64 * MIB,
    copies: [copy()],
    osGlanceImportingToStores: [],
    osGlanceFailedImport: [],
    propertyWarnings: [],
    stagedSha512: '',
    ...changes,
  };
}

/** As the hub makes it before the data is in. */
export function emptyImage(changes: Partial<Image> = {}): Image {
  const empty = image({
    status: 'queued',
    checksum: '',
    osHashAlgo: '',
    osHashValue: '',
    root: '',
    copies: [],
  });
  delete empty.sizeBytes;
  delete empty.virtualSizeBytes;
  delete empty.dataBytes;
  return { ...empty, ...changes };
}

export function member(changes: Partial<ImageMember> = {}): ImageMember {
  return {
    imageId: IMAGE_ID,
    member: 'bob',
    status: 'pending',
    createdAtMs: NOON_MS,
    updatedAtMs: NOON_MS,
    ...changes,
  };
}

export function store(changes: Partial<Store> = {}): Store {
  return {
    id: 'central',
    role: 'central',
    driver: 'rbd',
    fsid: 'a7f64266-0894-4f1e-a635-d0aeaca0e993',
    pool: 'images',
    online: true,
    onlineSinceMs: NOON_MS,
    lastSeenMs: NOON_MS + 1000,
    presentCopies: 3,
    freeBytes: 3 * 1024 * MIB,
    totalBytes: 4 * 1024 * MIB,
    agentVersion: '0.1.0',
    revoked: false,
    certificateExpiresAtMs: NOON_MS + 30 * DAY_MS,
    rate: '',
    paused: false,
    ...changes,
  };
}

/** Of operator alice, good until 90 days after noon. */
export function credential(changes: Partial<Credential> = {}): Credential {
  return {
    id: CREDENTIAL_ID,
    kind: 'certificate',
    createdAtMs: NOON_MS,
    expiresAtMs: NOON_MS + 90 * DAY_MS,
    revokedAtMs: 0,
    ...changes,
  };
}

export function operator(changes: Partial<Operator> = {}): Operator {
  return {
    name: 'alice',
    role: 'member',
    createdAtMs: NOON_MS,
    revokedAtMs: 0,
    credentials: [credential()],
    ...changes,
  };
}

export function event(changes: Partial<Event> = {}): Event {
  return {
    sequence: 1,
    atMs: NOON_MS,
    kind: 'image.created',
    actor: 'operator/alice',
    peer: '192.0.2.7:40112',
    requestId: 'req-1',
    outcome: 'done',
    imageId: IMAGE_ID,
    storeId: '',
    jobId: '',
    taskId: '',
    detailJson: '',
    ...changes,
  };
}
