import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { Catalogue } from '../catalogue/catalogue.ts';
import type { HubConfig } from '../config/hub-config.ts';
import { VERSION } from '../daemon/version.ts';
import { HttpServer } from '../http/server.ts';
import { Queue } from '../queue/queue.ts';
import { Agents, Images, Jobs, Stores } from '../rpc/proto.ts';
import { RpcServer } from '../rpc/server.ts';
import type { Loggers } from '../telemetry/log.ts';
import { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { agentsService } from './agents-service.ts';
import { Attachments } from './attachments.ts';
import { AttemptLog } from './attempt-log.ts';
import { ChangeFeed } from './change-feed.ts';
import { Downloads } from './downloads.ts';
import { imagesService } from './images-service.ts';
import { jobsService } from './jobs-service.ts';
import { ProgressBoard } from './progress-board.ts';
import { Requests } from './requests.ts';
import { hubSnapshot } from './snapshot.ts';
import { storesService } from './stores-service.ts';
import { Uploads } from './uploads.ts';

export interface HubParts {
  readonly config: HubConfig;
  readonly loggers: Loggers;
  readonly registry: Registry;
}

/**
 * The daemon that owns the catalogue. The order of `start` is the order in which parts
 * depend on each other: nothing is answered before the catalogue is there.
 */
export class Hub implements AsyncDisposable {
  readonly #parts: HubParts;
  #catalogue: Catalogue | undefined;
  #attachments: Attachments | undefined;
  #queue: Queue | undefined;
  #rpc: RpcServer | undefined;
  #http: HttpServer | undefined;

  constructor(parts: HubParts) {
    this.#parts = parts;
  }

  /** Opens the catalogue, takes up unfinished jobs, listens. */
  async start(): Promise<void> {
    const { config, loggers, registry } = this.#parts;
    const catalogue = Catalogue.open(config.catalogue);
    this.#catalogue = catalogue;
    catalogue.transact(() => catalogue.stores.configure(config.stores));

    const now = Date.now;
    const newId = randomUUID;
    const feed = new ChangeFeed();
    const board = new ProgressBoard(now);
    const attachments = new Attachments(catalogue);
    this.#attachments = attachments;
    const attempts = new AttemptLog({
      catalogue,
      board,
      log: loggers.queue,
      registry,
      now,
      read: () => snapshot(),
    });
    const snapshot = () => hubSnapshot(catalogue, attachments, board, now());
    const queue = new Queue({
      catalogue,
      agents: attachments,
      widths: { perStore: config.queue.widthPerStore, overall: config.queue.width },
      retry: { maxAttempts: config.queue.maxAttempts, ...config.queue.retry },
      newId,
      now,
      random: Math.random,
      onChange: (imageId) => feed.notify(imageId),
      onAttemptEnd: (task, outcome, again) => attempts.ended(task, outcome, again),
      onFault: (error) => loggers.queue.error({ err: error }, 'a fault of the hub itself'),
    });
    this.#queue = queue;
    const requests = new Requests({ catalogue, queue, agents: attachments, newId });
    const uploads = new Uploads(catalogue, feed);
    const downloads = new Downloads(catalogue, attachments);

    const rpc = new RpcServer({
      name: 'hub',
      ...config.listen.grpc,
      log: loggers.rpc,
      metrics: new RpcMetrics(registry),
    });
    this.#rpc = rpc;
    rpc.add(Images, imagesService({ catalogue, requests, uploads, downloads, board }));
    rpc.add(Jobs, jobsService({ catalogue, requests, board, feed }));
    rpc.add(Stores, storesService(catalogue, attachments));
    const { heartbeatIntervalMs } = config;
    rpc.add(
      Agents,
      agentsService({
        catalogue,
        queue,
        attachments,
        uploads,
        board,
        feed,
        heartbeatIntervalMs,
        log: loggers.attach,
        now,
      }),
    );
    queue.start();
    const ready = () => ({ ok: true, detail: 'the catalogue is open' });
    this.#http = new HttpServer({ name: 'hub', ...config.listen.http, registry, ready, log: loggers.http });
    const httpPort = await this.#http.start();
    const grpcPort = await rpc.start();
    loggers.main.info({ grpcPort, httpPort, version: VERSION, stores: config.stores.length }, 'listening');
  }

  /**
   * Takes no more calls, lets those under way end, and closes the catalogue. Agents go on
   * with what they are at and attach to the next hub.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue?.stop();
    this.#attachments?.closeAll();
    await Promise.all([this.#rpc?.stop(), this.#http?.stop()]);
    this.#catalogue?.[Symbol.dispose]();
    this.#catalogue = undefined;
  }
}
