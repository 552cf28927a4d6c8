import { Counter, Histogram, type Registry } from 'prom-client';
import { COPY_STATES, type CopyState } from '../domain/copy.ts';
import { IMAGE_STATUSES, type ImageStatus } from '../domain/image.ts';
import type { JobKind, TaskKind, Traffic } from '../domain/job.ts';
import type { RefusalCode } from '../domain/refusal.ts';
import { derivedGauge, oncePerScrape, type TaskOutcome } from './metrics.ts';
import { type CopyInFlight, deriveTransferGauges } from './transfer-gauges.ts';

export const JOB_KINDS = [
  'stage',
  'import',
  'copy',
  'delete-copy',
  'delete',
] as const satisfies readonly JobKind[];
const UNENDED_STATES = ['queued', 'running'] as const;

/** The state of the hub, as its gauges show it. Counts that are missing are shown as 0. */
export interface HubSnapshot {
  readonly hubCertificateEndMs: number;
  readonly stores: readonly StoreSnapshot[];
  readonly images: Readonly<Partial<Record<ImageStatus, number>>>;
  readonly queue: readonly QueueSnapshot[];
  readonly copiesInFlight: readonly CopyInFlight[];
}

export interface StoreSnapshot {
  readonly id: string;
  readonly up: boolean;
  readonly paused: boolean;
  /** Undefined until its agent was heard for the first time. */
  readonly lastContactMs: number | undefined;
  /** Of the newest certificate of its agent; undefined until it joined. */
  readonly certificateEndMs: number | undefined;
  readonly freeBytes: number | undefined;
  readonly totalBytes: number | undefined;
  readonly copies: Readonly<Partial<Record<CopyState, number>>>;
}

export interface QueueSnapshot {
  readonly kind: JobKind;
  readonly queued: number;
  readonly running: number;
  /** Of these. */
  readonly paused: number;
  /** Age of the oldest job that has not ended. */
  readonly oldestAgeSeconds: number;
}

/**
 * What an agent said, or asked for, and had no business to: it is the agent of another store; no such
 * task, attempt or question was given to it.
 */
const REPORT_REFUSALS = ['other-store', 'unknown-task', 'unknown-attempt', 'unknown-question'] as const;
export type ReportRefusal = (typeof REPORT_REFUSALS)[number];

/** From a small image inside one site to a big one over a thin line. */
const TRANSFER_SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800];

/** What the hub counts. Gauges come from `read`, once per scrape; the rest is told by its methods. */
export class HubMetrics {
  readonly #tasks: Counter<'kind' | 'outcome' | 'reason'>;
  readonly #bytes: Counter<'store' | 'kind'>;
  readonly #seconds: Histogram<'store' | 'kind'>;
  readonly #reportsRefused: Counter<'store' | 'reason'>;

  constructor(registry: Registry, { read }: { readonly read: () => HubSnapshot }) {
    const registers = [registry];
    this.#tasks = new Counter({
      name: 'entrepot_tasks_total',
      help: 'Attempts at tasks that ended, by outcome; reason is the code of a failure.',
      labelNames: ['kind', 'outcome', 'reason'],
      registers,
    });
    this.#bytes = new Counter({
      name: 'entrepot_transfer_bytes_total',
      help: 'Image bytes by what became of them: sent, wire (what sent came to on the network), hole (not sent), resumed (not sent again), verified (read back).',
      labelNames: ['store', 'kind'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'entrepot_transfer_duration_seconds',
      help: 'From the assignment of a task to its result.',
      labelNames: ['store', 'kind'],
      buckets: TRANSFER_SECONDS,
      registers,
    });
    this.#reportsRefused = new Counter({
      name: 'entrepot_agent_reports_refused_total',
      help: 'Reports and questions of agents about what is not theirs, or was never given to them.',
      labelNames: ['store', 'reason'],
      registers,
    });
    deriveGauges(registry, oncePerScrape(read));
  }

  reportRefused(storeId: string, reason: ReportRefusal): void {
    this.#reportsRefused.inc({ store: storeId, reason });
  }

  taskEnded(kind: TaskKind, outcome: TaskOutcome, reason: RefusalCode | ''): void {
    this.#tasks.inc({ kind, outcome, reason });
  }

  /** An attempt's bytes, to be told once for each. */
  transferred(storeId: string, traffic: Traffic): void {
    this.#bytes.inc({ store: storeId, kind: 'sent' }, traffic.receivedBytes);
    this.#bytes.inc({ store: storeId, kind: 'wire' }, traffic.wireBytes);
    this.#bytes.inc({ store: storeId, kind: 'hole' }, traffic.holeBytes);
    this.#bytes.inc({ store: storeId, kind: 'resumed' }, traffic.resumedBytes);
    this.#bytes.inc({ store: storeId, kind: 'verified' }, traffic.verifiedBytes);
  }

  transferTook(storeId: string, kind: TaskKind, seconds: number): void {
    this.#seconds.observe({ store: storeId, kind }, seconds);
  }
}

function deriveGauges(registry: Registry, read: () => HubSnapshot): void {
  derivedGauge(registry, 'entrepot_copies', 'Copies by store and state.', ['store', 'state'], () =>
    read().stores.flatMap(({ id, copies }) =>
      COPY_STATES.map((state) => ({ labels: { store: id, state }, value: copies[state] ?? 0 })),
    ),
  );
  derivedGauge(registry, 'entrepot_images', 'Images by status.', ['status'], () => {
    const { images } = read();
    return IMAGE_STATUSES.map((status) => ({ labels: { status }, value: images[status] ?? 0 }));
  });
  deriveStoreGauges(registry, read);
  deriveQueueGauges(registry, read);
  deriveCertificateGauge(registry, read);
  deriveTransferGauges(registry, read);
}

function deriveStoreGauges(registry: Registry, read: () => HubSnapshot): void {
  const perStore = (value: (store: StoreSnapshot) => number | undefined) => () =>
    read().stores.flatMap((store) => {
      const figure = value(store);
      return figure === undefined ? [] : [{ labels: { store: store.id }, value: figure }];
    });
  derivedGauge(
    registry,
    'entrepot_store_up',
    '1 while the agent of the store is attached and heard, 0 otherwise.',
    ['store'],
    perStore((store) => (store.up ? 1 : 0)),
  );
  derivedGauge(
    registry,
    'entrepot_store_paused',
    '1 while an operator has paused the store, 0 otherwise.',
    ['store'],
    perStore((store) => (store.paused ? 1 : 0)),
  );
  derivedGauge(
    registry,
    'entrepot_store_last_contact_timestamp_seconds',
    'When the agent of the store was last heard, in seconds since 1970; absent before the first time.',
    ['store'],
    perStore(({ lastContactMs }) => (lastContactMs === undefined ? undefined : lastContactMs / 1000)),
  );
  derivedGauge(
    registry,
    'entrepot_store_free_bytes',
    'Free space of the store; absent when its cluster does not tell.',
    ['store'],
    perStore((store) => store.freeBytes),
  );
  derivedGauge(
    registry,
    'entrepot_store_total_bytes',
    'Size of the store; absent when its cluster does not tell.',
    ['store'],
    perStore((store) => store.totalBytes),
  );
}

function deriveQueueGauges(registry: Registry, read: () => HubSnapshot): void {
  const perKind = () =>
    JOB_KINDS.map((kind) => read().queue.find((entry) => entry.kind === kind) ?? { kind });
  derivedGauge(
    registry,
    'entrepot_queue_jobs',
    'Jobs that have not ended, by kind and state.',
    ['kind', 'state'],
    () =>
      perKind().flatMap((entry) =>
        UNENDED_STATES.map((state) => ({
          labels: { kind: entry.kind, state },
          value: state in entry ? (entry as QueueSnapshot)[state] : 0,
        })),
      ),
  );
  derivedGauge(
    registry,
    'entrepot_queue_paused_jobs',
    'Jobs that have not ended and are paused, by kind.',
    ['kind'],
    () =>
      perKind().map((entry) => ({
        labels: { kind: entry.kind },
        value: 'paused' in entry ? entry.paused : 0,
      })),
  );
  derivedGauge(
    registry,
    'entrepot_queue_oldest_age_seconds',
    'Age of the oldest job of this kind that has not ended; 0 when there is none.',
    ['kind'],
    () =>
      perKind().map((entry) => ({
        labels: { kind: entry.kind },
        value: 'oldestAgeSeconds' in entry ? entry.oldestAgeSeconds : 0,
      })),
  );
}

function deriveCertificateGauge(registry: Registry, read: () => HubSnapshot): void {
  derivedGauge(
    registry,
    'entrepot_certificate_expires_timestamp_seconds',
    "When a certificate ends, in seconds since 1970: the hub's own, and the newest of each store's agent.",
    ['subject'],
    () => {
      const { hubCertificateEndMs, stores } = read();
      return [
        { labels: { subject: 'hub' }, value: hubCertificateEndMs / 1000 },
        ...stores.flatMap(({ id, certificateEndMs }) =>
          certificateEndMs === undefined
            ? []
            : [{ labels: { subject: `store/${id}` }, value: certificateEndMs / 1000 }],
        ),
      ];
    },
  );
}
