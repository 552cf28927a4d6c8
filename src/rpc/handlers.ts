import type { Duplex, Writable } from 'node:stream';
import type { Metadata, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import type { Actor } from '../domain/rules/identity.ts';
import type { Log } from '../telemetry/log.ts';
import { isRequestId, newRequestId, withFields } from '../telemetry/request-context.ts';
import type { RpcCallMetrics, RpcMetrics } from '../telemetry/rpc-metrics.ts';
import { REQUEST_ID_KEY } from './limits.ts';
import type { AnyMethod, Method } from './methods.ts';
import { grpcCodeName, statusOf } from './status.ts';
import { CallFailure, MessageWriter, readMessages } from './streams.ts';

/** Everyone on the loopback is the operator; certificates will tell more. */
const OPERATOR: Actor = { name: 'operator', role: 'admin' };

/** What a handler knows of its call besides the messages. */
export interface CallContext {
  /** The caller's, or one of ours. In every log line of this call, and passed on by calls made inside it. */
  readonly requestId: string;
  /** Aborts, with a Refusal as its reason, when the caller left, its deadline passed, or the server stops. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly metadata: CallMetadata;
  /** Address and port of the caller. */
  readonly peer: string;
  readonly actor: Actor;
}

export interface CallMetadata {
  get(key: string): string | undefined;
}

/** Settles when the next message may come; rejects with a Refusal when the call is over. */
export type Write<Message> = (message: Message) => Promise<void>;

// biome-ignore lint/suspicious/noExplicitAny: the form in which the other side sees a message does not matter here
type Other = any;

/**
 * The function that serves a method. What it throws becomes the status of the call, once, here.
 *
 * That `messages` end does not prove that the caller said all it wanted: Node's HTTP/2 client ends
 * its side of a stream before it resets it, and the reset may arrive later. Mostly they come together,
 * and then `messages` throws CANCELLED. Where half would do harm, the last message has to say that it
 * is the last one.
 */
export type Handler<M> =
  M extends Method<infer Kind, Other, infer Request, infer Reply, Other>
    ? {
        unary: (request: Request, context: CallContext) => Promise<Reply>;
        server_stream: (request: Request, write: Write<Reply>, context: CallContext) => Promise<void>;
        client_stream: (messages: AsyncIterable<Request>, context: CallContext) => Promise<Reply>;
        bidi_stream: (
          messages: AsyncIterable<Request>,
          write: Write<Reply>,
          context: CallContext,
        ) => Promise<void>;
      }[Kind]
    : never;

/** A plain async function for every method of a service; its kind says what the function gets. */
export type Handlers<Service> = { readonly [Name in keyof Service]: Handler<Service[Name]> };

/** Calls under way at one server. */
export class CallsInFlight {
  readonly #calls = new Set<ServedCall>();
  readonly log: Log;
  readonly metrics: RpcMetrics;

  constructor(log: Log, metrics: RpcMetrics) {
    this.log = log;
    this.metrics = metrics;
  }

  get size(): number {
    return this.#calls.size;
  }

  add(call: ServedCall): void {
    this.#calls.add(call);
  }

  delete(call: ServedCall): void {
    this.#calls.delete(call);
  }

  /** Aborts the signals of all calls, so that each ends with `reason`. */
  abort(reason: Refusal): void {
    for (const call of this.#calls) call.abort(reason);
  }
}

/** The server's side of a call as grpc-js gives it, whatever its kind. */
interface RawCall extends Duplex {
  readonly metadata: Metadata;
  readonly request: unknown;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Date | number;
}

/** grpc-js's form of `handler`. */
export function adapt(
  method: AnyMethod,
  handler: Handler<AnyMethod>,
  calls: CallsInFlight,
): UntypedHandleCall {
  const serve = handler as (...parts: unknown[]) => Promise<unknown>;
  const adapted = (raw: RawCall, send?: sendUnaryData<unknown>) => {
    const call = new ServedCall(method, raw, calls);
    const input = method.requestStream ? call.messages() : raw.request;
    const answer = method.responseStream ? endStream(raw) : answerOnce(send as sendUnaryData<unknown>);
    const handle = async () => {
      if (method.responseStream) return serve(input, call.writer(), call.context);
      const reply = await serve(input, call.context);
      call.metrics.sent();
      return reply;
    };
    // Neither `run` nor `answer` throws: whatever goes wrong is the answer.
    void call.run(handle).then(answer);
  };
  return adapted as unknown as UntypedHandleCall;
}

type Outcome = { readonly reply: unknown } | { readonly refusal: Refusal };

function answerOnce(send: sendUnaryData<unknown>): (outcome: Outcome) => void {
  return (outcome) => {
    if ('refusal' in outcome) send(statusOf(outcome.refusal));
    else send(null, outcome.reply);
  };
}

/** grpc-js sends an 'error' as the status, after the messages before it. */
function endStream(raw: RawCall): (outcome: Outcome) => void {
  return (outcome) => {
    if (raw.cancelled || raw.destroyed) return;
    if ('refusal' in outcome) raw.emit('error', statusOf(outcome.refusal));
    else raw.end();
  };
}

class ServedCall {
  readonly context: CallContext;
  readonly metrics: RpcCallMetrics;
  readonly #method: AnyMethod;
  readonly #raw: RawCall;
  readonly #calls: CallsInFlight;
  readonly #failure = new CallFailure();

  constructor(method: AnyMethod, raw: RawCall, calls: CallsInFlight) {
    this.#method = method;
    this.#raw = raw;
    this.#calls = calls;
    this.metrics = calls.metrics.start({
      grpc_type: method.kind,
      grpc_service: method.service,
      grpc_method: method.name,
    });
    if (!method.requestStream) this.metrics.received();
    const abort = new AbortController();
    this.#failure.onRefusal(() => abort.abort(this.#failure.refusal));
    raw.on('cancelled', () => this.abort(whyCancelled(raw)));
    // grpc-js tells a broken stream by 'cancelled' too; an 'error' nobody hears would end the process.
    raw.on('error', () => {});
    const requestId = requestIdOf(raw.metadata);
    this.context = {
      requestId,
      signal: abort.signal,
      log: calls.log.child({ method: method.path, peer: raw.getPeer() }),
      metadata: { get: (key) => textOf(raw.metadata, key) },
      peer: raw.getPeer(),
      actor: OPERATOR,
    };
  }

  abort(reason: Refusal): void {
    this.#failure.fail(reason);
  }

  async *messages(): AsyncGenerator<unknown, void, undefined> {
    yield* readMessages(this.#raw, this.#failure, () => this.metrics.received());
    // A reset that came with the end is told after it, in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure.refusal !== undefined) throw this.#failure.refusal;
  }

  writer(): Write<unknown> {
    const writer = new MessageWriter(this.#raw as Writable, this.#failure);
    return async (message) => {
      await writer.write(message);
      this.metrics.sent();
    };
  }

  /** Runs the handler in the context of this call. Never rejects. */
  async run(handle: () => Promise<unknown>): Promise<Outcome> {
    const { requestId } = this.context;
    const startedMs = performance.now();
    this.#calls.add(this);
    const outcome = await withFields({ requestId }, async (): Promise<Outcome> => {
      const result = await this.#outcome(handle);
      this.#log(result, performance.now() - startedMs);
      return result;
    });
    this.#calls.delete(this);
    this.metrics.ended(grpcCodeName('refusal' in outcome ? outcome.refusal : undefined));
    // From here on nobody may write: a handler that left work behind is told.
    this.#failure.fail(new Refusal('CANCELLED', 'the call has ended'));
    return outcome;
  }

  async #outcome(handle: () => Promise<unknown>): Promise<Outcome> {
    try {
      return { reply: await handle() };
    } catch (error) {
      // What a handler throws because its call was aborted says less than why it was.
      return { refusal: this.#failure.refusal ?? Refusal.from(error) };
    }
  }

  /** One line a call: the only place that logs what a handler threw. */
  #log(outcome: Outcome, elapsedMs: number): void {
    const { log } = this.context;
    const durationMs = Math.round(elapsedMs);
    if (!('refusal' in outcome)) {
      log.info({ grpcCode: 'OK', durationMs }, `${this.#method.name} answered`);
      return;
    }
    const { refusal } = outcome;
    const fields = { grpcCode: grpcCodeName(refusal), code: refusal.code, rule: refusal.rule, durationMs };
    const sentence = `${this.#method.name} refused: ${refusal.message}`;
    if (refusal.code === 'INTERNAL') log.error({ ...fields, err: refusal.cause ?? refusal }, sentence);
    else log.info(fields, sentence);
  }
}

function whyCancelled(raw: RawCall): Refusal {
  return Number(raw.getDeadline()) <= Date.now()
    ? new Refusal('TIMEOUT', 'the deadline of the caller has passed')
    : new Refusal('CANCELLED', 'the caller has left');
}

function requestIdOf(metadata: Metadata): string {
  const given = textOf(metadata, REQUEST_ID_KEY);
  return given !== undefined && isRequestId(given) ? given : newRequestId();
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}
