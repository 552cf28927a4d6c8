import type { Duplex, Writable } from 'node:stream';
import type { Metadata, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject } from '../domain/rules/rights.ts';
import type { Log } from '../telemetry/log.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { RpcCallMetrics, RpcMetrics } from '../telemetry/rpc-metrics.ts';
import type { Certificate } from '../trust/certificate.ts';
import type { AdmittedCall } from './admitted-call.ts';
import { releasing, reuseMemoryOfCall } from './bulk-messages.ts';
import type { Gate } from './gate.ts';
import type { AnyMethod, Method } from './methods.ts';
import { grpcCodeName, statusOf } from './status.ts';
import { CallFailure, MessageWriter, readMessages } from './streams.ts';

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
  /** Who it is, found before the handler was called. It has the right the method asks for. */
  readonly caller: Caller;
  /** That its connection has shown; undefined when that has shown none. */
  readonly certificate: Certificate | undefined;
  /**
   * The caller is about to send much: it may be as far ahead as its distance asks for, with one part in `share` of
   * the server's window. Of itself that is so, with all of it, for a call in which only the caller streams.
   */
  readonly widen: (share: number, wantedRate?: number) => void;
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

/** What all calls of a server have in common. */
export interface Serving {
  readonly gate: Gate;
  readonly log: Log;
  readonly metrics: RpcMetrics;
}

/** The server's side of a call as grpc-js gives it, whatever its kind. */
interface RawCall extends Duplex {
  readonly metadata: Metadata;
  readonly request: unknown;
  readonly cancelled: boolean;
  getDeadline(): Date | number;
}

/** grpc-js's form of `handler`. */
export function adapt(method: AnyMethod, handler: Handler<AnyMethod>, serving: Serving): UntypedHandleCall {
  const serve = handler as (...parts: unknown[]) => Promise<unknown>;
  const adapted = (raw: RawCall, send?: sendUnaryData<unknown>) => {
    const call = new ServedCall(method, raw, serving);
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
  readonly #admitted: AdmittedCall;
  readonly #gate: Gate;
  readonly #failure = new CallFailure();

  constructor(method: AnyMethod, raw: RawCall, { gate, log, metrics }: Serving) {
    this.#method = method;
    this.#raw = raw;
    this.#gate = gate;
    this.#admitted = gate.callOf(raw.metadata);
    this.metrics = metrics.start({
      grpc_type: method.kind,
      grpc_service: method.service,
      grpc_method: method.name,
    });
    if (!method.requestStream) this.metrics.received();
    if (method.requestStream || method.responseStream) reuseMemoryOfCall(raw, method);
    const abort = new AbortController();
    this.#failure.onRefusal(() => abort.abort(this.#failure.refusal));
    this.#admitted.onEnd((reason) => this.#failure.fail(reason));
    raw.on('cancelled', () => this.#failure.fail(this.#admitted.reason ?? whyCancelled(raw)));
    // grpc-js tells a broken stream by 'cancelled' too; an 'error' nobody hears would end the process.
    raw.on('error', () => {});
    const { connection } = this.#admitted;
    if (method.kind === 'client_stream') void connection.widen();
    const { caller, requestId } = this.#admitted.pass;
    this.context = {
      requestId,
      signal: abort.signal,
      log: log.child({ method: method.path }),
      metadata: { get: (key) => textOf(raw.metadata, key) },
      peer: connection.peer,
      caller,
      certificate: connection.shown.certificate,
      widen: (share, wantedRate) => void connection.widen(share, wantedRate),
    };
  }

  async *messages(): AsyncGenerator<unknown, void, undefined> {
    yield* readMessages(this.#raw, this.#failure, () => this.metrics.received());
    // A reset that came with the end is told after it, in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure.refusal !== undefined) throw this.#failure.refusal;
  }

  writer(): Write<unknown> {
    const writer = new MessageWriter(releasing<unknown>(this.#raw as Writable), this.#failure);
    return async (message) => {
      await writer.write(message);
      this.metrics.sent();
    };
  }

  /** Runs the handler in the context of this call. Never rejects. */
  async run(handle: () => Promise<unknown>): Promise<Outcome> {
    const { caller, peer, requestId } = this.context;
    const startedMs = performance.now();
    const fields = { requestId, caller: callerSubject(caller), peer };
    const outcome = await withFields(fields, async (): Promise<Outcome> => {
      const result = await this.#outcome(handle);
      this.#log(result, performance.now() - startedMs);
      if ('refusal' in result) this.#report(result.refusal);
      return result;
    });
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

  #report(refusal: Refusal): void {
    const { caller, peer, requestId } = this.context;
    this.#gate.report({ caller, peer, requestId, method: this.#method.path, refusal });
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

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}
