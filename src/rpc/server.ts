import { type ServiceDefinition as GrpcService, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProtoPath } from 'grpc-health-check';
import { formatAddress, listenRefusal } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import type { RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { adapt, CallsInFlight, type Handler, type Handlers } from './handlers.ts';
import { MESSAGE_LIMIT_BYTES } from './limits.ts';
import './quiet.ts';
import type { AnyMethod } from './methods.ts';
import { packageDefinition } from './proto.ts';
import { SERVER_WINDOW_BYTES, widenServerWindow } from './server-window.ts';

/** A caller that went silent is dropped after both together, so that its calls end. */
const KEEPALIVE_TIME_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** Calls one connection may have under way: an agent has one Attach and a few transfers, a CLI one or two. */
const MAX_CALLS_PER_CONNECTION = 128;

/** How long an aborted handler may take to clean up before its connection is cut. */
const ABORT_GRACE_MS = 1000;

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
  /** HTTP/2 receive window, per stream and per connection. SERVER_WINDOW_BYTES when left out. */
  readonly windowBytes?: number;
}

/** A gRPC server with health and reflection services. Listens from `start` to `stop`. */
export class RpcServer implements AsyncDisposable {
  readonly #settings: RpcServerSettings;
  readonly #server: Server;
  readonly #calls: CallsInFlight;
  readonly #health = new HealthImplementation();
  /** Names of the services, and '' for the server as a whole, as the health protocol has it. */
  readonly #names = new Set(['']);
  readonly #hurry = Promise.withResolvers<false>();
  #stopped: Promise<void> | undefined;

  constructor(settings: RpcServerSettings) {
    this.#settings = settings;
    this.#calls = new CallsInFlight(settings.log, settings.metrics);
    // Not to be set: 'grpc.enable_channelz': 0. In 1.14.7 the server then forgets its connections,
    // and forceShutdown() cuts none of them.
    this.#server = new Server({
      'grpc.max_receive_message_length': MESSAGE_LIMIT_BYTES,
      'grpc.max_send_message_length': MESSAGE_LIMIT_BYTES,
      // grpc-js pings idle connections too, and takes pings from clients as often as they come.
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.max_concurrent_streams': MAX_CALLS_PER_CONNECTION,
    });
    widenServerWindow(this.#server, settings.windowBytes ?? SERVER_WINDOW_BYTES);
    this.#health.addToServer(this.#server);
    reflection().addToServer(this.#server);
  }

  /** Serves all methods of a service. Before `start`. */
  add<Service extends object>(service: Service, handlers: Handlers<Service>): void {
    const methods = service as Readonly<Record<string, AnyMethod>>;
    const byName = handlers as Readonly<Record<string, Handler<AnyMethod>>>;
    const adapted = Object.entries(methods).map(([name, method]) => {
      const { kind, service: fullName } = method;
      this.#names.add(fullName);
      this.#settings.metrics.announce({ grpc_type: kind, grpc_service: fullName, grpc_method: name });
      return [name, adapt(method, byName[name] as Handler<AnyMethod>, this.#calls)] as const;
    });
    this.#server.addService(methods as GrpcService, Object.fromEntries(adapted));
  }

  /** Listens; the port it got. CONFLICT when the port is in use. All services are reported as serving. */
  async start(): Promise<number> {
    const { name, host, port } = this.#settings;
    const address = formatAddress({ host, port });
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, boundPort) => {
        if (error === null) resolve(boundPort);
        else reject(listenRefusal(name, { host, port }, error));
      });
    });
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
    if (!(await Promise.race([within(drained, drainMs), this.#hurry.promise]))) {
      this.#abortCalls();
      await within(drained, ABORT_GRACE_MS);
    }
    this.#server.forceShutdown();
  }

  #abortCalls(): void {
    const { name, log } = this.#settings;
    if (this.#calls.size > 0) log.info({ calls: this.#calls.size }, 'ending the calls under way');
    this.#calls.abort(new Refusal('UNAVAILABLE', `${name} is stopping`));
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

function reflection(): ReflectionService {
  const health = loadSync(healthProtoPath);
  // The package brings a proto-loader of its own; the two differ in nothing it reads.
  return new ReflectionService({ ...packageDefinition, ...health } as never);
}
