import { formatAddress } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import { DigestPool } from '../image/digests.ts';
import { systemClock } from '../pacing/clock.ts';
import { Transfer } from '../rpc/proto.ts';
import { RpcServer } from '../rpc/server.ts';
import type { Staging } from '../staging/staging.ts';
import type { Store } from '../store/store.ts';
import { AgentMetrics, type AgentSnapshot } from '../telemetry/agent-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { Processors } from '../transfer/processors.ts';
import { Attach, type AttachCall } from './attach.ts';
import { authenticate } from './authenticate.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { Deliveries } from './deliveries.ts';
import { HubClient } from './hub-client.ts';
import { HubWatch } from './hub-watch.ts';
import { ImageLocks } from './image-locks.ts';
import { Links } from './links.ts';
import { ManifestCache } from './manifest-cache.ts';
import { OpenImages } from './open-images.ts';
import { Orders } from './orders.ts';
import type { OwnCredentials } from './own-credentials.ts';
import { Pacing } from './pacing.ts';
import { patient } from './patient-hub.ts';
import { PushSessions } from './push-sessions.ts';
import { Readiness } from './readiness.ts';
import { RENEWAL_RETRY, Renewal } from './renewal.ts';
import { RevokedStores } from './revoked-stores.ts';
import type { AgentParts, AgentSettings } from './settings.ts';
import { StoreWatch } from './store-watch.ts';
import { TaskBoard } from './task-board.ts';
import { TaskLog } from './task-log.ts';
import { performer } from './tasks/perform.ts';
import { TicketDesk } from './tickets.ts';
import { TRANSFER_LIMITS } from './transfer-limits.ts';
import { TransferMemory } from './transfer-memory.ts';
import { transferService } from './transfer-service.ts';

/** SHA-256 for all transfers: two threads keep up with two 10 Gbit/s links. */
const DIGEST_THREADS = 2;

/** Manifests of 8 TiB of data in 4 MiB chunks; a few hundred images as they usually are. */
const MANIFEST_CACHE_BYTES = 64 * 1024 * 1024;

/** Staged images told in one heartbeat: of more the others are told once these are gone. */
const STAGED_TOLD = 256;

const TRANSFER_RIGHTS = { Pull: 'transfer', Push: 'transfer', Renew: 'transfer' } as const;

const REDIAL: BackoffLimits = { minMs: 250, maxMs: 15_000 };
const STORE_RETRY: BackoffLimits = { minMs: 500, maxMs: 15_000 };

/**
 * The daemon at a store, the only one that writes it. `start` connects it, disposing of it
 * drains it: what runs stops at its next chunk with its checkpoint on disk.
 */
export class Agent implements AsyncDisposable {
  readonly readiness = new Readiness();
  readonly #settings: AgentSettings;
  readonly #store: Store;
  readonly #staging: Staging;
  readonly #memory = new TransferMemory();
  readonly #digests = new DigestPool({ threads: DIGEST_THREADS });
  readonly #openImages: OpenImages;
  readonly #storeWatch: StoreWatch;
  readonly #pacing: Pacing;
  readonly #hub: HubClient;
  readonly #board: TaskBoard;
  readonly #deliveries: Deliveries;
  readonly #server: RpcServer;
  readonly #attach: Attach;
  readonly #credentials: OwnCredentials;
  readonly #renewal: Renewal;
  readonly #leaveHub = new AbortController();
  #leftHub: Promise<unknown> = Promise.resolve();
  #identity = { fsid: '', pool: '' };
  #transferAddress = '';

  constructor(settings: AgentSettings, parts: AgentParts) {
    const { store, imports, credentials, loggers, registry } = parts;
    const { now = Date.now, random = Math.random, redial = REDIAL } = parts;
    const { readiness } = this;
    const memory = this.#memory;
    const { storeId, hubAddress, verify = 'read-back', compression = 'auto' } = settings;
    this.#settings = settings;
    this.#store = store;
    this.#staging = imports.staging;
    this.#credentials = credentials;
    const metrics = new AgentMetrics(registry, { read: () => this.#snapshot() });
    this.#openImages = new OpenImages(store, { onChunk: (origin) => metrics.tookChunk(origin) });
    this.#pacing = new Pacing({
      storeId,
      clock: systemClock,
      onUnread: (id, { message }) => loggers.attach.warn({ id }, `a rate of the hub is ignored: ${message}`),
      onWaited: (lane, seconds) => metrics.paceWaited(lane, seconds),
    });
    const links = new Links(settings, { storeId, pacing: this.#pacing, log: loggers.transfer });
    const { windowBytes, onSocket } = links;
    this.#hub = new HubClient({ address: hubAddress, credentials: credentials.current, windowBytes });
    const backoff = new Backoff(STORE_RETRY, random);
    this.#storeWatch = new StoreWatch({ store, readiness, log: loggers.store, backoff });
    const locks = new ImageLocks();
    const pushSessions = new PushSessions(windowBytes);
    const revoked = new RevokedStores(now, (cutOff, reason) => {
      this.#server.abortCalls((caller) => caller.kind === 'store' && caller.storeId === cutOff, reason);
    });
    this.#board = new TaskBoard({
      perform: performer({
        store,
        hub: patient(this.#hub, () => new Backoff(redial, random)),
        pullFrom: (address, from, ticket) =>
          links.source({ address, storeId: from, ticket, credentials: () => credentials.current }),
        onRevoked: (from, end) => revoked.watch(from, end),
        pushSessions,
        openImages: this.#openImages,
        manifests: new ManifestCache(MANIFEST_CACHE_BYTES),
        digests: this.#digests,
        memory,
        imports,
        verify,
        onFetchRetry: ({ code, message }, delayMs) =>
          loggers.transfer.warn({ code, delayMs: Math.round(delayMs) }, `fetching again: ${message}`),
        onLeftover: (imageId, err) =>
          loggers.store.warn({ imageId, err }, 'what an attempt left could not be put away'),
      }),
      locks,
      observer: new TaskLog(loggers.transfer, metrics, now),
      tell: (message) => this.#attach.tell(message),
      now,
    });
    const serving = {
      openImages: this.#openImages,
      pacing: this.#pacing,
      onSent: (bytes: number) => metrics.moved('sent', bytes),
      packing: { mode: compression, processors: parts.processors ?? new Processors() },
    };
    this.#deliveries = new Deliveries({
      ...serving,
      credentials: () => credentials.current,
      revoked,
      links,
      onRenewalRefused: (key, { code, message }) =>
        loggers.transfer.warn({ ...key, code }, `a renewed ticket was not taken: ${message}`),
    });
    const desk = new TicketDesk({
      storeId,
      caPem: credentials.current.caPem,
      revoked,
      now,
      onRefused: (reason) => metrics.ticketRefused(reason),
    });
    this.#server = new RpcServer({
      name: 'agent',
      ...settings.transfer,
      log: loggers.rpc,
      metrics: new RpcMetrics(registry),
      credentials: credentials.current,
      clients: 'known',
      authenticate,
      limits: TRANSFER_LIMITS,
      now,
      windowBytes,
      onSocket,
    });
    this.#server.add(Transfer, transferService({ ...serving, pushSessions, desk }), TRANSFER_RIGHTS);
    const orders = new Orders({
      store,
      staging: imports.staging,
      board: this.#board,
      locks,
      deliveries: this.#deliveries,
      revoked,
      pacing: this.#pacing,
      tell: (message) => this.#attach.tell(message),
      log: loggers.attach,
    });
    const hubWatch = new HubWatch(readiness, loggers.attach);
    this.#attach = new Attach({
      refresh: () => credentials.reload(loggers.attach),
      dial: (signal) => this.#dial(signal, loggers.attach, now),
      inventory: () => store.list(),
      hello: () => this.#hello(),
      heartbeat: () => ({
        ...this.#storeWatch.space,
        stagedImageIds: imports.staging.imageIds.slice(0, STAGED_TOLD),
      }),
      unheard: () => this.#board.unheard(),
      handle: (message) => orders.handle(message),
      welcomed: ({ revokedStoreIds }) => {
        revoked.replace(revokedStoreIds);
        hubWatch.welcomed();
      },
      detached: (reason, passing) => hubWatch.detached(reason, passing),
      backoff: new Backoff(redial, random),
    });
    this.#renewal = new Renewal({
      credentials,
      ask: (request) => this.#hub.renewCertificate(request, this.#leaveHub.signal),
      log: loggers.attach,
      backoff: new Backoff(RENEWAL_RETRY, random),
      now,
      ...(parts.wait !== undefined && { wait: parts.wait }),
    });
    credentials.onChange((renewed) => {
      desk.believe(renewed.caPem);
      this.#server.renew(renewed);
      this.#hub.renew(renewed);
      this.#attach.redial();
    });
  }

  /** Host and port of the Transfer service as others reach it; set once it listens. */
  get transferAddress(): string {
    return this.#transferAddress;
  }

  /** Of image data, in memory on its way in or out. */
  get bufferBytes(): number {
    return this.#memory.bytesInUse + this.#openImages.bytesInUse;
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
    // Also while the store is away, which may be for longer than the certificate lives.
    const { signal: leave } = this.#leaveHub;
    const renewing = this.#renewal.run(leave);
    this.#leftHub = renewing;
    await this.#staging.start();
    await this.#storeWatch.start(signal);
    this.#identity = await this.#store.identity();
    this.#leftHub = Promise.all([this.#attach.run(leave), renewing]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Refusal('UNAVAILABLE', `the agent of store ${this.#settings.storeId} is stopping`);
    await Promise.all([this.#board.stop(reason), this.#deliveries.stop(reason), this.#server.stop(0)]);
    // After the tasks: a result of the last moment still goes out.
    this.#leaveHub.abort(reason);
    await this.#leftHub;
    this.#storeWatch[Symbol.dispose]();
    this.#pacing[Symbol.dispose]();
    await Promise.all([this.#openImages[Symbol.asyncDispose](), this.#hub[Symbol.asyncDispose]()]);
    await this.#digests[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  /** With the newest credentials: an agent that was locked out and has joined anew needs no restart. */
  async #dial(signal: AbortSignal, log: Log, now: () => number): Promise<AttachCall> {
    await this.#credentials.reload(log);
    this.#credentials.requireValid(now());
    return this.#hub.attach(signal);
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
      certificateExpiresAtMs: this.#credentials.current.certificate.notAfterMs,
      bufferBytes: this.bufferBytes,
      paceWaiting: this.#pacing.waiting,
      paceLimits: this.#pacing.storeRates(),
      copies: this.#board.underWay(),
    };
  }
}
