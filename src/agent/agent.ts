import type { Registry } from 'prom-client';
import { formatAddress } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import { DigestPool } from '../image/digests.ts';
import { Transfer } from '../rpc/proto.ts';
import { PullSource } from '../rpc/pull-source.ts';
import { RpcServer } from '../rpc/server.ts';
import type { Store } from '../store/store.ts';
import { AgentMetrics, type AgentSnapshot } from '../telemetry/agent-metrics.ts';
import type { Loggers } from '../telemetry/log.ts';
import { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { Attach } from './attach.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { Deliveries } from './deliveries.ts';
import { HubClient } from './hub-client.ts';
import { HubWatch } from './hub-watch.ts';
import { ImageLocks } from './image-locks.ts';
import { ManifestCache } from './manifest-cache.ts';
import { OpenImages } from './open-images.ts';
import { Orders } from './orders.ts';
import { PushSessions } from './push-sessions.ts';
import { Readiness } from './readiness.ts';
import { StoreWatch } from './store-watch.ts';
import { TaskBoard } from './task-board.ts';
import { TaskLog } from './task-log.ts';
import { performer } from './tasks/perform.ts';
import { TransferMemory } from './transfer-memory.ts';
import { transferService } from './transfer-service.ts';

/** SHA-256 for all transfers: two threads keep up with two 10 Gbit/s links. */
const DIGEST_THREADS = 2;

/** Manifests of 8 TiB of data in 4 MiB chunks; a few hundred images as they usually are. */
const MANIFEST_CACHE_BYTES = 64 * 1024 * 1024;

const REDIAL: BackoffLimits = { minMs: 250, maxMs: 15_000 };
const STORE_RETRY: BackoffLimits = { minMs: 500, maxMs: 15_000 };

export interface AgentSettings {
  readonly storeId: string;
  readonly version: string;
  /** host:port of the hub. */
  readonly hubAddress: string;
  /** Where the Transfer service listens; port 0: one that is free. */
  readonly transfer: { readonly host: string; readonly port: number };
  /** host:port of the Transfer service as others reach it. Default: where it listens. */
  readonly advertise?: string | undefined;
  /** HTTP/2 window of connections for image data. Default: src/rpc's, 16 MiB. */
  readonly windowBytes?: number | undefined;
}

export interface AgentParts {
  readonly store: Store;
  readonly loggers: Loggers;
  readonly registry: Registry;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
  readonly redial?: BackoffLimits;
}

/**
 * The daemon at a store, the only one that writes it. `start` connects it, disposing of it
 * drains it: what runs stops at its next chunk with its checkpoint on disk.
 */
export class Agent implements AsyncDisposable {
  readonly readiness = new Readiness();
  readonly #settings: AgentSettings;
  readonly #store: Store;
  readonly #memory = new TransferMemory();
  readonly #digests = new DigestPool({ threads: DIGEST_THREADS });
  readonly #openImages: OpenImages;
  readonly #storeWatch: StoreWatch;
  readonly #hub: HubClient;
  readonly #board: TaskBoard;
  readonly #deliveries: Deliveries;
  readonly #server: RpcServer;
  readonly #attach: Attach;
  readonly #leaveHub = new AbortController();
  #attached: Promise<void> = Promise.resolve();
  #identity = { fsid: '', pool: '' };
  #transferAddress = '';

  constructor(settings: AgentSettings, parts: AgentParts) {
    const { store, loggers, registry, now = Date.now, random = Math.random, redial = REDIAL } = parts;
    const { readiness } = this;
    const memory = this.#memory;
    const { hubAddress, windowBytes } = settings;
    const window = windowBytes === undefined ? {} : { windowBytes };
    this.#settings = settings;
    this.#store = store;
    this.#hub = new HubClient({ address: hubAddress, peer: 'hub', ...window });
    this.#openImages = new OpenImages(store);
    const metrics = new AgentMetrics(registry, { read: () => this.#snapshot() });
    const backoff = new Backoff(STORE_RETRY, random);
    this.#storeWatch = new StoreWatch({ store, readiness, log: loggers.store, backoff });
    const locks = new ImageLocks();
    const pushSessions = new PushSessions();
    this.#board = new TaskBoard({
      perform: performer({
        store,
        hub: this.#hub,
        pullFrom: (address, storeId) =>
          new PullSource({ address, peer: `agent of store ${storeId}`, ...window }),
        pushSessions,
        openImages: this.#openImages,
        manifests: new ManifestCache(MANIFEST_CACHE_BYTES),
        digests: this.#digests,
        memory,
        onLeftover: (imageId, err) =>
          loggers.store.warn({ imageId, err }, 'a partial image could not be discarded'),
      }),
      locks,
      observer: new TaskLog(loggers.transfer, metrics, now),
      tell: (message) => this.#attach.tell(message),
      now,
    });
    const serving = {
      openImages: this.#openImages,
      memory,
      onSent: (bytes: number) => metrics.moved('sent', bytes),
    };
    this.#deliveries = new Deliveries(serving);
    this.#server = new RpcServer({
      name: 'agent',
      ...settings.transfer,
      log: loggers.rpc,
      metrics: new RpcMetrics(registry),
      ...window,
    });
    this.#server.add(Transfer, transferService({ ...serving, pushSessions }));
    const orders = new Orders({
      store,
      board: this.#board,
      locks,
      deliveries: this.#deliveries,
      tell: (message) => this.#attach.tell(message),
      log: loggers.attach,
    });
    const hubWatch = new HubWatch(readiness, loggers.attach);
    this.#attach = new Attach({
      dial: (signal) => this.#hub.attach(signal),
      inventory: () => store.list(),
      hello: () => this.#hello(),
      heartbeat: () => this.#storeWatch.space ?? {},
      unheard: () => this.#board.unheard(),
      handle: (message) => orders.handle(message),
      welcomed: () => hubWatch.welcomed(),
      detached: (reason, passing) => hubWatch.detached(reason, passing),
      backoff: new Backoff(redial, random),
    });
  }

  /** Host and port of the Transfer service as others reach it; set once it listens. */
  get transferAddress(): string {
    return this.#transferAddress;
  }

  /**
   * Listens, connects the store, and begins to dial the hub; `readiness.firstReady` tells when
   * it has been welcomed. While the store is away this waits, until `signal` aborts. Rejects with
   * the Refusal of a port in use or a store whose configuration is wrong.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { host } = this.#settings.transfer;
    const port = await this.#server.start();
    this.#transferAddress = this.#settings.advertise ?? formatAddress({ host, port });
    await this.#storeWatch.start(signal);
    this.#identity = await this.#store.identity();
    this.#attached = this.#attach.run(this.#leaveHub.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Refusal('UNAVAILABLE', `the agent of store ${this.#settings.storeId} is stopping`);
    await Promise.all([this.#board.stop(reason), this.#deliveries.stop(reason), this.#server.stop(0)]);
    // After the tasks: a result of the last moment still goes out.
    this.#leaveHub.abort(reason);
    await this.#attached;
    this.#storeWatch[Symbol.dispose]();
    await Promise.all([this.#openImages[Symbol.asyncDispose](), this.#hub[Symbol.asyncDispose]()]);
    await this.#digests[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  #hello() {
    const { storeId, version } = this.#settings;
    return {
      storeId,
      version,
      driver: this.#store.driver,
      ...this.#identity,
      transferAddress: this.#transferAddress,
      running: this.#board.attempts(),
    };
  }

  #snapshot(): AgentSnapshot {
    return {
      attached: this.readiness.isUp('hub'),
      storeUp: this.readiness.isUp('store'),
      bufferBytes: this.#memory.bytesInUse,
      copies: this.#board.underWay(),
    };
  }
}
