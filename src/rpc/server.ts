import type { Socket } from 'node:net';
import { type ServiceDefinition as GrpcService, Server } from '@grpc/grpc-js';
import type { HealthImplementation } from 'grpc-health-check';
import { formatAddress, listenRefusal } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Caller, Right } from '../domain/rules/rights.ts';
import type { Log } from '../telemetry/log.ts';
import type { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import type { Credentials } from '../trust/credentials.ts';
import type { Authenticate, Rights } from './caller.ts';
import { Connections } from './connections.ts';
import { Gate, type RefusedCall } from './gate.ts';
import { adapt, type Handler, type Handlers, type Serving } from './handlers.ts';
import { prepareHttp2, SERVER_WINDOW_BYTES, TlsServerCredentials } from './http2-server.ts';
import { addHealth, addReflection } from './library-services.ts';
import { ANSWER_LIMIT_BYTES, REQUEST_LIMIT_BYTES, SERVER_LIMITS, type ServerLimits } from './limits.ts';
import './quiet.ts';
import type { AnyMethod } from './methods.ts';

/** How often calls and connections are looked at for what has lasted too long. */
const SWEEP_MS = 1000;

/** Long enough for a running chunk to finish. */
const DRAIN_MS = 5000;

export interface RpcServerSettings {
  /** Who serves, for sentences: `hub`, `agent`. */
  readonly name: string;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly log: Log;
  readonly metrics: RpcMetrics;
  /** How the server shows itself, and whose certificates it believes. */
  readonly credentials: Credentials;
  /** `known`: TLS lets nobody in without a good certificate. `anyone`: each call is judged by what was shown. */
  readonly clients: 'known' | 'anyone';
  readonly authenticate: Authenticate;
  /** What is left out: SERVER_LIMITS. */
  readonly limits?: Partial<ServerLimits>;
  /** Told of calls refused for who made them, or for too many of them; not of each one in a flood. */
  readonly onRefused?: (refused: RefusedCall) => void;
  /** What a stream of a caller may have under way at most, however far away it is. SERVER_WINDOW_BYTES when left out. */
  readonly windowBytes?: number;
  /** Called with each TCP connection that is let in, before anything is sent on it. */
  readonly onSocket?: (socket: Socket) => void;
  /** Milliseconds since the epoch, for certificates that expire. Date.now when left out. */
  readonly now?: () => number;
}

/** A gRPC server with health and reflection services, over TLS 1.3. Listens from `start` to `stop`. */
export class RpcServer implements AsyncDisposable {
  readonly #settings: RpcServerSettings;
  readonly #limits: ServerLimits;
  readonly #server: Server;
  readonly #tls: TlsServerCredentials;
  readonly #connections: Connections;
  readonly #gate: Gate;
  readonly #serving: Serving;
  readonly #health: HealthImplementation;
  /** Names of the services, and '' for the server as a whole, as the health protocol has it. */
  readonly #names = new Set(['']);
  readonly #hurry = Promise.withResolvers<false>();
  #sweeping: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: RpcServerSettings) {
    const { log, metrics, authenticate, onRefused = () => {}, now = Date.now } = settings;
    const { windowBytes = SERVER_WINDOW_BYTES, onSocket } = settings;
    const limits = { ...SERVER_LIMITS, ...settings.limits };
    this.#settings = settings;
    this.#limits = limits;
    this.#tls = new TlsServerCredentials(settings.credentials, settings.clients, limits);
    this.#connections = new Connections({ limits, windowBytes, metrics, onSocket });
    const connections = this.#connections;
    this.#gate = new Gate({ authenticate, limits, connections, log, metrics, onRefused, now });
    this.#serving = { gate: this.#gate, log, metrics };
    // Not to be set: 'grpc.enable_channelz': 0. In 1.14.7 the server then forgets its connections,
    // and forceShutdown() cuts none of them.
    this.#server = new Server({
      'grpc.max_receive_message_length': REQUEST_LIMIT_BYTES,
      'grpc.max_send_message_length': ANSWER_LIMIT_BYTES,
      // grpc-js pings idle connections too, and takes pings from clients as often as they come.
      'grpc.keepalive_time_ms': limits.keepaliveMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveAnswerMs,
      'grpc.max_connection_idle_ms': limits.idleMs,
      'grpc.max_concurrent_streams': limits.callsPerConnection,
      interceptors: [this.#gate.intercept],
    });
    prepareHttp2(this.#server, { limits, windowBytes, connections });
    this.#health = addHealth(this.#server, (path) => this.#gate.require(path, 'known'));
  }

  /** Serves all methods of a service, each for those who have the right it asks. Before `start`. */
  add<Service extends object>(service: Service, handlers: Handlers<Service>, rights: Rights<Service>): void {
    const methods = service as Readonly<Record<string, AnyMethod>>;
    const byName = handlers as Readonly<Record<string, Handler<AnyMethod>>>;
    const rightOf = rights as Readonly<Record<string, Right>>;
    const adapted = Object.entries(methods).map(([name, method]) => {
      const { kind, path, service: fullName } = method;
      this.#names.add(fullName);
      this.#gate.require(path, rightOf[name] as Right);
      this.#settings.metrics.announce({ grpc_type: kind, grpc_service: fullName, grpc_method: name });
      return [name, adapt(method, byName[name] as Handler<AnyMethod>, this.#serving)] as const;
    });
    this.#server.addService(methods as GrpcService, Object.fromEntries(adapted));
  }

  /** All methods it serves, and what each asks; those of reflection are among them once it has started. */
  methods(): readonly { readonly path: string; readonly right: Right }[] {
    return this.#gate.methods();
  }

  /** Listens; the port it got. CONFLICT when the port is in use. All services are reported as serving. */
  async start(): Promise<number> {
    const { name, host, port } = this.#settings;
    const address = formatAddress({ host, port });
    const services = [...this.#names].filter((one) => one !== '');
    addReflection(this.#server, services, (path) => this.#gate.require(path, 'known'));
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, this.#tls, (error, boundPort) => {
        if (error === null) resolve(boundPort);
        else reject(listenRefusal(name, { host, port }, error));
      });
    });
    this.#sweeping = setInterval(() => this.#sweep(), this.#sweepMs()).unref();
    this.setServing(true);
    return bound;
  }

  /** What the health service says of one service, or of everything. */
  setServing(serving: boolean, service?: string): void {
    for (const name of service === undefined ? this.#names : [service]) {
      this.#health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    }
  }

  /**
   * Connections from now on see the new certificate, and are judged by the new authorities; those that
   * are there stay. INVALID when TLS does not take it, and then nothing has changed.
   */
  renew(credentials: Credentials): void {
    this.#tls.renew(credentials);
  }

  /**
   * Ends the calls under way of those who match, with `reason` for both sides. How many there were. That
   * they make no new ones is for `authenticate` to see to, before this is called.
   */
  abortCalls(match: (caller: Caller) => boolean, reason: Refusal): number {
    return this.#gate.end(match, reason);
  }

  /**
   * Takes no more calls, and waits for those under way for at most `drainMs`. The rest end with
   * UNAVAILABLE; whoever does not take that is cut off. Calling it again cuts the drain.
   */
  async stop(drainMs = DRAIN_MS): Promise<void> {
    if (this.#stopped !== undefined) this.#hurry.resolve(false);
    this.#stopped ??= this.#stop(drainMs);
    await this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0);
  }

  async #stop(drainMs: number): Promise<void> {
    this.setServing(false);
    const drained = new Promise<true>((resolve) => this.#server.tryShutdown(() => resolve(true)));
    this.#connections.destroyUnsecured();
    if (!(await Promise.race([within(drained, drainMs), this.#hurry.promise]))) {
      this.#endAll();
      await within(drained, this.#limits.abortMs);
    }
    this.#server.forceShutdown();
    clearInterval(this.#sweeping);
  }

  #endAll(): void {
    const { name, log } = this.#settings;
    if (this.#gate.size > 0) log.info({ calls: this.#gate.size }, 'ending the calls under way');
    this.#gate.end(() => true, new Refusal('UNAVAILABLE', `${name} is stopping`));
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#gate.sweep(nowMs);
    this.#connections.sweep(nowMs);
  }

  /** Often enough for the shortest of the times it looks after. */
  #sweepMs(): number {
    const { abortMs, lingerMs, requestMs, silenceMs, stallMs, unknownIdleMs } = this.#limits;
    return Math.min(SWEEP_MS, abortMs, lingerMs, requestMs, silenceMs, stallMs, unknownIdleMs);
  }
}

/** True as soon as `done` is, false after `waitMs`. */
function within(done: Promise<true>, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), waitMs);
    void done.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
