import type { Server as HttpsServer } from 'node:https';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { Registry } from 'prom-client';
import { listenRefusal } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import type { Credentials } from '../trust/credentials.ts';
import { type Rate, RateLimit } from '../trust/rate-limit.ts';
import { serverContext } from '../trust/tls.ts';
import { Gate, type GateSettings } from './gate.ts';
import { HTTP_STATUS } from './status.ts';

export interface Readiness {
  readonly ok: boolean;
  /** One sentence: what it waits for, or that it serves. */
  readonly detail: string;
}

/** Of the headers of a request, all names and values. */
const HEADERS_LIMIT_BYTES = 16 * 1024;

/** Nothing is sent here yet that has a body. */
const BODY_LIMIT_BYTES = 16 * 1024;

/** Open connections: a few probes, Prometheus, a few people. Beyond, the newest are dropped. */
const MAX_CONNECTIONS = 256;

/** From a connection, or the answer before, to the end of a request. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A connection on which nothing moves. */
const SILENCE_MS = 30_000;

/** Between two requests of a connection: Prometheus comes every 15 to 60 s, and may connect anew. */
const KEEP_ALIVE_MS = 20_000;

/** How often Node looks for requests that are late. */
const CHECK_MS = 1000;

/** Of lines about refused requests, for each address. */
const REPORT_RATE: Rate = { perSecond: 1, burst: 20 };

export interface HttpTimes {
  readonly requestMs: number;
  readonly silenceMs: number;
  readonly handshakeMs: number;
}

const TIMES: HttpTimes = {
  requestMs: REQUEST_TIMEOUT_MS,
  silenceMs: SILENCE_MS,
  handshakeMs: REQUEST_TIMEOUT_MS,
};

export interface HttpServerSettings extends GateSettings {
  /** Who serves, for sentences: `hub`, `agent`. */
  readonly name: string;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly registry: Registry;
  /** Asked at each request of /readyz; must answer at once. */
  readonly ready: () => Readiness;
  readonly log: Log;
  /** HTTPS with these, in TLS 1.3. Plain HTTP when left out, which is for the loopback. */
  readonly tls?: Credentials | undefined;
  /** How long a client may take over things. */
  readonly times?: HttpTimes | undefined;
}

/**
 * GET /metrics, /healthz (the process is alive), /readyz (it can do its work: 200, otherwise 503). What is
 * not left open asks for an identity of this cloud: a certificate, or `Authorization: Bearer` and an API token.
 */
export class HttpServer implements AsyncDisposable {
  readonly #settings: HttpServerSettings;
  readonly #server: FastifyInstance;
  readonly #gate: Gate;
  readonly #reports = new RateLimit();

  constructor(settings: HttpServerSettings) {
    this.#settings = settings;
    const answerError = this.#answerError.bind(this);
    this.#gate = new Gate(settings);
    this.#server = fastify({
      ...listenerOptions(settings),
      bodyLimit: BODY_LIMIT_BYTES,
      // stop() would wait for connections that idle.
      forceCloseConnections: 'idle',
      // What is wrong before there is a route: a URL that cannot be decoded.
      frameworkErrors: answerError,
    });
    this.#server.server.maxConnections = MAX_CONNECTIONS;
    this.#server.setErrorHandler(answerError);
    this.#server.addHook('onRequest', async ({ raw }) => void this.#gate.admit(raw));
    this.#addRoutes();
  }

  /** Listens; the port it got. CONFLICT when the port is in use. */
  async start(): Promise<number> {
    const { name, host, port } = this.#settings;
    try {
      await this.#server.listen({ host, port });
    } catch (error) {
      throw listenRefusal(name, { host, port }, error);
    }
    const bound = this.#server.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : port;
  }

  /** Connections from now on see the new certificate. INVALID when TLS does not take it. Nothing without TLS. */
  renew(credentials: Credentials): void {
    if (this.#settings.tls === undefined) return;
    (this.#server.server as HttpsServer).setSecureContext(serverContext(credentials));
  }

  /** Finishes what is under way. Calling it again is fine. */
  async stop(): Promise<void> {
    await this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #addRoutes(): void {
    const { registry, ready } = this.#settings;
    this.#server.get('/metrics', async (_request, reply) => {
      const text = await registry.metrics();
      return reply.type(registry.contentType).send(text);
    });
    this.#server.get('/healthz', () => ({ status: 'alive' }));
    this.#server.get('/readyz', (_request, reply) => {
      const { ok, detail } = ready();
      return reply.code(ok ? 200 : 503).send({ ready: ok, detail });
    });
    this.#server.setNotFoundHandler(({ method, url }, reply) => {
      const hint = 'there are /metrics, /healthz and /readyz';
      refuse(reply, new Refusal('NOT_FOUND', `there is no ${method} ${url}`, { hint }));
    });
  }

  #answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = refusalOf(error);
    this.#report(request, refusal);
    if (refusal.code === 'INTERNAL') {
      const { method, url } = request;
      const fields = { err: refusal.cause ?? refusal, method, path: pathOf(url) };
      this.#settings.log.error(fields, refusal.message);
    }
    refuse(reply, refusal);
  }

  /** A line for who was refused for what it showed; a flood of them does not fill the log. */
  #report({ method, url, ip }: FastifyRequest, { code, message }: Refusal): void {
    if (code !== 'UNAUTHENTICATED' && code !== 'FORBIDDEN' && code !== 'RATE_LIMITED') return;
    if (!this.#reports.take(ip, REPORT_RATE)) return;
    this.#settings.log.info({ method, path: pathOf(url), peer: ip, code }, `request refused: ${message}`);
  }
}

/** Of a URL what may be logged: without its query, in which people put secrets. */
function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

/** What Node's server is made with. */
function listenerOptions({ tls, times = TIMES }: HttpServerSettings): object {
  const { requestMs, silenceMs, handshakeMs } = times;
  const http = {
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    headersTimeout: requestMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, requestMs),
  };
  // A certificate is asked for and not insisted on: the request may have a token, or be for an open path.
  const client = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: handshakeMs };
  return {
    ...(tls === undefined ? { http } : { https: { ...http, ...serverContext(tls), ...client } }),
    requestTimeout: requestMs,
    connectionTimeout: silenceMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
}

/** fastify's own errors carry the status they stand for: below 500 the request is to blame. */
function refusalOf(error: FastifyError): Refusal {
  const { statusCode } = error;
  return !(error instanceof Refusal) && statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new Refusal('INVALID', error.message, { cause: error })
    : Refusal.from(error);
}

function refuse(reply: FastifyReply, { code, message, hint }: Refusal): void {
  void reply.code(HTTP_STATUS[code]).send({ code, message, ...(hint !== undefined && { hint }) });
}
