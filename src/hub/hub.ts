import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { Catalogue } from '../catalogue/catalogue.ts';
import type { HubConfig } from '../config/hub-config.ts';
import { VERSION } from '../daemon/version.ts';
import { HttpServer } from '../http/server.ts';
import { Queue } from '../queue/queue.ts';
import { RpcServer } from '../rpc/server.ts';
import { HubMetrics } from '../telemetry/hub-metrics.ts';
import type { Loggers } from '../telemetry/log.ts';
import { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { Attachments } from './attachments.ts';
import { AttemptLog } from './attempt-log.ts';
import { Audit } from './audit.ts';
import { Authenticator } from './authenticator.ts';
import { ChangeFeed } from './change-feed.ts';
import { currentOrigin } from './current-origin.ts';
import { Daily } from './daily.ts';
import { HubCredentials } from './hub-credentials.ts';
import { LastSeen } from './last-seen.ts';
import { Pacing } from './pacing.ts';
import { ProgressBoard } from './progress-board.ts';
import { serverLimits } from './server-limits.ts';
import { addServices } from './services.ts';
import { hubSnapshot } from './snapshot.ts';
import { TicketRenewals } from './ticket-renewals.ts';
import { Tickets } from './tickets.ts';

const DAY_MS = 86_400_000;

/** So long the hub can say of a credential that it has expired, or was revoked, and not only that it is none. */
const ENDED_CREDENTIALS_KEEP_MS = 30 * DAY_MS;

export interface HubParts {
  readonly config: HubConfig;
  readonly loggers: Loggers;
  readonly registry: Registry;
  /** Milliseconds since the epoch. Date.now when left out. */
  readonly now?: () => number;
}

/** Where a hub that has started listens. */
export interface HubPorts {
  readonly grpcPort: number;
  readonly httpPort: number;
}

/**
 * The daemon that owns the catalogue. The order of `start` is the order in which parts
 * depend on each other: nothing is answered before the catalogue is there.
 */
export class Hub implements AsyncDisposable {
  readonly #parts: HubParts;
  readonly #now: () => number;
  /** What ends last, in the reverse order. */
  readonly #base = new DisposableStack();
  #attachments: Attachments | undefined;
  #queue: Queue | undefined;
  #rpc: RpcServer | undefined;
  #http: HttpServer | undefined;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Opens the catalogue, takes up unfinished jobs, listens. */
  async start(): Promise<HubPorts> {
    const { config, loggers, registry } = this.#parts;
    const now = this.#now;
    const credentials = await HubCredentials.load(config.credentials, now);
    await credentials.renew();
    const catalogue = this.#base.use(Catalogue.open(config.catalogue, now, currentOrigin));
    const tickets = new Tickets({ catalogue, credentials: () => credentials.current, now });
    const attachments = new Attachments(tickets, new Pacing(catalogue));
    this.#attachments = attachments;
    const renewals = { catalogue, attachments, tickets, log: loggers.attach };
    const ticketRenewals = this.#base.use(new TicketRenewals(renewals));
    const lastSeen = this.#base.use(new LastSeen({ catalogue, log: loggers.attach }));
    const feed = new ChangeFeed();
    const board = new ProgressBoard(now);
    const metrics = new HubMetrics(registry, {
      read: () => hubSnapshot({ catalogue, attachments, board, credentials: credentials.current }, now()),
    });
    const attempts = new AttemptLog({ catalogue, board, log: loggers.queue, metrics, now });
    const queue = new Queue({
      catalogue,
      agents: attachments,
      widths: { perStore: config.queue.widthPerStore, overall: config.queue.width },
      retry: {
        maxAttempts: config.queue.maxAttempts,
        ...config.queue.retry,
        uploadKeepMs: config.imports.uploadKeepMs,
      },
      newId: randomUUID,
      now,
      random: Math.random,
      onChange: (imageId) => feed.notify(imageId),
      onAttemptEnd: (task, outcome, again) => attempts.ended(task, outcome, again),
      onFault: (error) => loggers.queue.error({ err: error }, 'a fault of the hub itself'),
    });
    this.#queue = queue;

    const authenticator = new Authenticator(catalogue, now);
    const { authenticate } = authenticator;
    const rpc = new RpcServer({
      name: 'hub',
      ...config.listen.grpc,
      log: loggers.rpc,
      metrics: new RpcMetrics(registry),
      credentials: credentials.current,
      // Who comes with a join token or an API token has no certificate.
      clients: 'anyone',
      authenticate,
      limits: serverLimits(config.limits),
      onRefused: new Audit(catalogue, loggers.catalogue).refused,
      now,
    });
    this.#rpc = rpc;
    const engine = { catalogue, attachments, tickets, ticketRenewals, lastSeen, queue, board, feed };
    addServices(rpc, { ...engine, config, loggers, metrics, credentials, authenticator, now });
    const http = new HttpServer({
      name: 'hub',
      ...config.listen.http,
      ...config.http,
      tls: config.http.tls ? credentials.current : undefined,
      authenticate,
      registry,
      ready: () => readiness(credentials.current.certificate.notAfterMs, now()),
      log: loggers.http,
    });
    this.#http = http;

    await this.#base.use(new Daily(this.#chores(catalogue, credentials), loggers.main)).start();
    queue.start();
    ticketRenewals.start();
    lastSeen.start();
    const httpPort = await http.start();
    const grpcPort = await rpc.start();
    const stores = catalogue.stores.all().length;
    loggers.main.info({ grpcPort, httpPort, version: VERSION, stores }, 'listening');
    return { grpcPort, httpPort };
  }

  /**
   * Takes no more calls, lets those under way end, and closes the catalogue. Agents go on
   * with what they are at and attach to the next hub.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue?.stop();
    this.#attachments?.closeAll();
    await Promise.all([this.#rpc?.stop(), this.#http?.stop()]);
    this.#base.dispose();
  }

  #chores(
    catalogue: Catalogue,
    credentials: HubCredentials,
  ): Readonly<Record<string, () => Promise<void> | void>> {
    const keepMs = this.#parts.config.auditKeepDays * DAY_MS;
    return {
      'renewing the certificate of the hub': () => this.#renew(credentials),
      'forgetting old events': () =>
        void catalogue.transact(() => catalogue.events.prune(this.#now() - keepMs)),
      'forgetting credentials that ended': () =>
        void catalogue.transact(() => catalogue.credentials.prune(this.#now() - ENDED_CREDENTIALS_KEEP_MS)),
    };
  }

  async #renew(credentials: HubCredentials): Promise<void> {
    const { main } = this.#parts.loggers;
    const isNew = await credentials.renew();
    const { current } = credentials;
    const { fingerprint, notAfterMs } = current.certificate;
    const fields = { fingerprint, expiresAt: new Date(notAfterMs).toISOString() };
    if (isNew) {
      this.#rpc?.renew(current);
      this.#http?.renew(current);
      main.info(fields, 'the hub has a new certificate');
    } else if (credentials.isOverdue()) {
      main.warn(fields, 'the certificate of the hub ends soon, and nobody has put another one in its place');
    }
  }
}

function readiness(certificateEndMs: number, nowMs: number) {
  return nowMs <= certificateEndMs
    ? { ok: true, detail: 'the catalogue is open' }
    : { ok: false, detail: 'the certificate of the hub has expired: nobody believes it' };
}
