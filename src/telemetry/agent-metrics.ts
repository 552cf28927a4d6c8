import { Counter, type Registry } from 'prom-client';
import type { TaskKind } from '../domain/job.ts';
import { LANES, type Lane } from '../domain/lane.ts';
import type { RefusalCode } from '../domain/refusal.ts';
import { derivedGauge, oncePerScrape, type TaskOutcome } from './metrics.ts';

/** The state of an agent, as its gauges show it. */
export interface AgentSnapshot {
  /** The hub has welcomed it, on a stream that is alive. */
  readonly attached: boolean;
  /** Its store answered the last time it was asked. */
  readonly storeUp: boolean;
  /** When its own certificate ends, milliseconds since the epoch. */
  readonly certificateExpiresAtMs: number;
  /** Image data held in memory by all transfers together. */
  readonly bufferBytes: number;
  /** Frames that wait until they may be sent. */
  readonly paceWaiting: number;
  /** Of stores that have a limit at this moment. */
  readonly paceLimits: readonly {
    readonly storeId: string;
    /** 0: paused. */
    readonly bytesPerSecond: number;
  }[];
  readonly copies: readonly {
    readonly imageId: string;
    readonly doneBytes: number;
    readonly sizeBytes: number;
  }[];
}

/** `sent`, and `received`, of which `wire` is what it came to on its way, crossed the network; the others did not. */
export const AGENT_BYTE_KINDS = ['sent', 'received', 'wire', 'hole', 'resumed', 'verified'] as const;
export type AgentByteKind = (typeof AGENT_BYTE_KINDS)[number];

/** Where a stream that this agent sends got a chunk from: the store, or another stream of the same image. */
const CHUNK_ORIGINS = ['read', 'shared'] as const;

/** Why a ticket that somebody showed was refused. */
export const TICKET_REFUSALS = [
  'missing',
  'expired',
  /** Forged, changed, of another cloud, or no ticket at all. */
  'unsound',
  /** Good, but for another store, image, direction or attempt than it was shown for. */
  'misused',
  /** Its holder was cut off. */
  'revoked',
  /** Shown on another connection than the first time. */
  'replayed',
  /** A later attempt has been here. */
  'superseded',
  /** More are in use than an agent remembers. */
  'crowded',
] as const;
export type TicketRefusal = (typeof TICKET_REFUSALS)[number];

/** What an agent counts. Gauges come from `read`, once per scrape; the rest is told by its methods. */
export class AgentMetrics {
  readonly #tasks: Counter<'kind' | 'outcome' | 'reason'>;
  readonly #bytes: Counter<'kind'>;
  readonly #chunks: Counter<'how'>;
  readonly #ticketsRefused: Counter<'reason'>;
  readonly #paceWaits: Counter<'lane'>;

  constructor(registry: Registry, { read }: { readonly read: () => AgentSnapshot }) {
    this.#tasks = new Counter({
      name: 'entrepot_agent_tasks_total',
      help: 'Tasks this agent ended, by outcome; reason is the code of a failure.',
      labelNames: ['kind', 'outcome', 'reason'],
      registers: [registry],
    });
    this.#bytes = new Counter({
      name: 'entrepot_agent_bytes_total',
      help: 'Image bytes by what became of them: sent, received, wire (received, as it came over the network), hole (not sent), resumed (not sent again), verified (read back).',
      labelNames: ['kind'],
      registers: [registry],
    });
    for (const kind of AGENT_BYTE_KINDS) this.#bytes.inc({ kind }, 0);
    this.#chunks = new Counter({
      name: 'entrepot_agent_chunks_total',
      help: 'Chunks sent, by where they came from: read from the store, or shared with another stream of the same image.',
      labelNames: ['how'],
      registers: [registry],
    });
    for (const how of CHUNK_ORIGINS) this.#chunks.inc({ how }, 0);
    this.#ticketsRefused = new Counter({
      name: 'entrepot_tickets_refused_total',
      help: 'Tickets for image data that this agent refused, by reason.',
      labelNames: ['reason'],
      registers: [registry],
    });
    for (const reason of TICKET_REFUSALS) this.#ticketsRefused.inc({ reason }, 0);
    this.#paceWaits = new Counter({
      name: 'entrepot_agent_pace_wait_seconds_total',
      help: 'Time frames waited until rates and pauses let them be sent, of all streams together.',
      labelNames: ['lane'],
      registers: [registry],
    });
    for (const lane of LANES) this.#paceWaits.inc({ lane }, 0);
    deriveGauges(registry, oncePerScrape(read));
  }

  taskEnded(kind: TaskKind, outcome: TaskOutcome, reason: RefusalCode | ''): void {
    this.#tasks.inc({ kind, outcome, reason });
  }

  moved(kind: AgentByteKind, bytes: number): void {
    this.#bytes.inc({ kind }, bytes);
  }

  tookChunk(how: (typeof CHUNK_ORIGINS)[number]): void {
    this.#chunks.inc({ how });
  }

  ticketRefused(reason: TicketRefusal): void {
    this.#ticketsRefused.inc({ reason });
  }

  paceWaited(lane: Lane, seconds: number): void {
    this.#paceWaits.inc({ lane }, seconds);
  }
}

function deriveGauges(registry: Registry, read: () => AgentSnapshot): void {
  const single = (name: string, help: string, value: (snapshot: AgentSnapshot) => number) =>
    derivedGauge(registry, name, help, [], () => [{ labels: {}, value: value(read()) }]);
  single('entrepot_agent_attached', '1 while the hub has this agent.', ({ attached }) => (attached ? 1 : 0));
  single('entrepot_agent_store_up', '1 while the store answers.', ({ storeUp }) => (storeUp ? 1 : 0));
  single(
    'entrepot_certificate_expires_timestamp_seconds',
    'When the certificate of this agent expires.',
    ({ certificateExpiresAtMs }) => certificateExpiresAtMs / 1000,
  );
  single(
    'entrepot_agent_buffer_bytes',
    'Image data held in memory by all transfers together.',
    ({ bufferBytes }) => bufferBytes,
  );
  single(
    'entrepot_agent_pace_waiting',
    'Frames that wait until rates and pauses let them be sent.',
    ({ paceWaiting }) => paceWaiting,
  );
  derivedGauge(
    registry,
    'entrepot_agent_pace_limit_bytes_per_second',
    'What may be sent at this moment, by this store or to another one; 0 while paused, absent without a limit.',
    ['store'],
    () =>
      read().paceLimits.map(({ storeId, bytesPerSecond }) => ({
        labels: { store: storeId },
        value: bytesPerSecond,
      })),
  );
  const perCopy = (value: (copy: AgentSnapshot['copies'][number]) => number) => () =>
    read().copies.map((copy) => ({ labels: { image: copy.imageId }, value: value(copy) }));
  derivedGauge(
    registry,
    'entrepot_agent_copy_done_bytes',
    'How far a copy under way is; gone when it ends.',
    ['image'],
    perCopy((copy) => copy.doneBytes),
  );
  derivedGauge(
    registry,
    'entrepot_agent_copy_size_bytes',
    'Size of a copy under way; gone when it ends.',
    ['image'],
    perCopy((copy) => copy.sizeBytes),
  );
}
