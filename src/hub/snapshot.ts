import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CopyState } from '../domain/copy.ts';
import { type HubSnapshot, JOB_KINDS, type StoreSnapshot } from '../telemetry/hub-metrics.ts';
import type { Credentials } from '../trust/credentials.ts';
import type { Attachments } from './attachments.ts';
import type { ProgressBoard } from './progress-board.ts';
import { newestCertificate } from './standing.ts';

export interface SnapshotParts {
  readonly catalogue: Catalogue;
  readonly attachments: Attachments;
  readonly board: ProgressBoard;
  /** The hub's own. */
  readonly credentials: Credentials;
}

/** What the hub's gauges show: counted by SQLite, once per scrape. */
export function hubSnapshot(parts: SnapshotParts, nowMs: number): HubSnapshot {
  const { catalogue, attachments, board, credentials } = parts;
  const copies = new Map<string, Partial<Record<CopyState, number>>>();
  for (const { storeId, state, count } of catalogue.copies.countByStoreAndState()) {
    copies.set(storeId, { ...copies.get(storeId), [state]: count });
  }
  const stores = catalogue.stores.all().map((store): StoreSnapshot => {
    const attachment = attachments.get(store.id);
    return {
      id: store.id,
      up: attachment !== undefined,
      paused: store.pausedAtMs !== undefined,
      lastContactMs: attachment?.lastSeenMs ?? store.lastSeenMs,
      certificateEndMs: newestCertificate(catalogue, store.id)?.expiresAtMs,
      freeBytes: attachment?.space?.freeBytes,
      totalBytes: attachment?.space?.totalBytes,
      copies: copies.get(store.id) ?? {},
    };
  });
  const unended = catalogue.jobs.countUnended();
  const queue = JOB_KINDS.map((kind) => {
    const rows = unended.filter((row) => row.kind === kind);
    const counted = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
    const oldestMs = Math.min(nowMs, ...rows.map((row) => row.oldestMs));
    return {
      kind,
      queued: counted('queued'),
      running: counted('running'),
      paused: rows.reduce((sum, row) => sum + row.paused, 0),
      oldestAgeSeconds: (nowMs - oldestMs) / 1000,
    };
  });
  const images = Object.fromEntries(catalogue.images.countByStatus());
  const hubCertificateEndMs = credentials.certificate.notAfterMs;
  return { hubCertificateEndMs, stores, images, queue, copiesInFlight: board.inFlight() };
}
