import { Counter, Histogram, type Registry } from 'prom-client';
import type { RefusalCode } from '../domain/refusal.ts';

const LABELS = ['grpc_type', 'grpc_service', 'grpc_method'] as const;

/** Which method; the values of go-grpc-middleware, so that its dashboards fit. */
export interface RpcLabels {
  readonly grpc_type: 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';
  readonly grpc_service: string;
  readonly grpc_method: string;
}

/**
 * Why a connection was not taken, or cut: too many at once from one network, or in all; too many in a
 * short time; no TLS handshake, or none in time; a certificate TLS did not accept; too many calls or
 * pieces of messages in a short time; nobody known who asks nothing.
 */
const CONNECTION_REFUSALS = [
  'network',
  'full',
  'rate',
  'handshake',
  'certificate',
  'calls',
  'pieces',
  'unknown',
] as const;

export type ConnectionRefusal = (typeof CONNECTION_REFUSALS)[number];

/** One call under way. */
export interface RpcCallMetrics {
  received(): void;
  sent(): void;
  /** `grpcCode` as Go spells it: OK, NotFound, DeadlineExceeded ... */
  ended(grpcCode: string): void;
}

/** From a call that reads a row to a copy of many gigabytes. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600];

/** The standard series of a gRPC server. */
export class RpcMetrics {
  readonly #started: Counter<(typeof LABELS)[number]>;
  readonly #handled: Counter<(typeof LABELS)[number] | 'grpc_code'>;
  readonly #seconds: Histogram<(typeof LABELS)[number]>;
  readonly #received: Counter<(typeof LABELS)[number]>;
  readonly #sent: Counter<(typeof LABELS)[number]>;
  readonly #refused: Counter<'grpc_service' | 'grpc_method' | 'code'>;
  readonly #connectionsRefused: Counter<'reason'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = [...LABELS];
    this.#started = new Counter({
      name: 'grpc_server_started_total',
      help: 'Calls that arrived at the server.',
      labelNames,
      registers,
    });
    this.#handled = new Counter({
      name: 'grpc_server_handled_total',
      help: 'Calls the server has ended, by the code it gave.',
      labelNames: [...LABELS, 'grpc_code'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'grpc_server_handling_seconds',
      help: 'How long the server worked on a call.',
      labelNames,
      buckets: SECONDS,
      registers,
    });
    this.#received = new Counter({
      name: 'grpc_server_msg_received_total',
      help: 'Messages the server received.',
      labelNames,
      registers,
    });
    this.#sent = new Counter({
      name: 'grpc_server_msg_sent_total',
      help: 'Messages the server sent.',
      labelNames,
      registers,
    });
    this.#refused = new Counter({
      name: 'entrepot_requests_refused_total',
      help: 'Calls refused for who made them, or for how many of them: before their first message or later.',
      labelNames: ['grpc_service', 'grpc_method', 'code'],
      registers,
    });
    this.#connectionsRefused = new Counter({
      name: 'entrepot_connections_refused_total',
      help: 'Connections not taken, or cut by the server.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of CONNECTION_REFUSALS) this.#connectionsRefused.inc({ reason }, 0);
  }

  connectionRefused(reason: ConnectionRefusal): void {
    this.#connectionsRefused.inc({ reason });
  }

  /** `code`: UNAUTHENTICATED, FORBIDDEN or RATE_LIMITED. `path`: `/entrepot.v1.Images/Get`. */
  requestRefused(path: string, code: RefusalCode): void {
    const [, service = '', method = ''] = path.split('/');
    this.#refused.inc({ grpc_service: service, grpc_method: method, code });
  }

  /** Series at zero, so that the first call shows as an increase. */
  announce(labels: RpcLabels): void {
    for (const counter of [this.#started, this.#received, this.#sent]) counter.inc({ ...labels }, 0);
    this.#handled.inc({ ...labels, grpc_code: 'OK' }, 0);
  }

  start(labels: RpcLabels): RpcCallMetrics {
    this.#started.inc({ ...labels });
    const stop = this.#seconds.startTimer({ ...labels });
    const received = this.#received.labels({ ...labels });
    const sent = this.#sent.labels({ ...labels });
    return {
      received: () => received.inc(),
      sent: () => sent.inc(),
      ended: (grpcCode) => {
        stop();
        this.#handled.inc({ ...labels, grpc_code: grpcCode });
      },
    };
  }
}
