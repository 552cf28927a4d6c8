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
import { HTTP_STATUS } from './status.ts';

export interface Readiness {
  readonly ok: boolean;
  /** One sentence: what it waits for, or that it serves. */
  readonly detail: string;
}

export interface HttpServerSettings {
  /** Who serves, for sentences: `hub`, `agent`. */
  readonly name: string;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly registry: Registry;
  /** Asked at each request of /readyz; must answer at once. */
  readonly ready: () => Readiness;
  readonly log: Log;
}

/** GET /metrics, /healthz (the process is alive), /readyz (it can do its work: 200, otherwise 503). */
export class HttpServer implements AsyncDisposable {
  readonly #settings: HttpServerSettings;
  readonly #server: FastifyInstance;

  constructor(settings: HttpServerSettings) {
    this.#settings = settings;
    const answerError = this.#answerError.bind(this);
    this.#server = fastify({
      // stop() would wait for connections that idle.
      forceCloseConnections: 'idle',
      // What is wrong before there is a route: a URL that cannot be decoded.
      frameworkErrors: answerError,
    });
    this.#server.setErrorHandler(answerError);
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

  #answerError(error: FastifyError, { method, url }: FastifyRequest, reply: FastifyReply): void {
    const refusal = refusalOf(error);
    if (refusal.code === 'INTERNAL') {
      this.#settings.log.error({ err: refusal.cause ?? refusal, method, url }, refusal.message);
    }
    refuse(reply, refusal);
  }
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
