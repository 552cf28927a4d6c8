import { releasing } from './bulk-messages.ts';
import type { Channel } from './channel.ts';
import type { Method } from './methods.ts';
import { type CallOptions, OutgoingCall } from './outgoing-call.ts';
import { MessageWriter, readMessages } from './streams.ts';

// Whatever a call ends with is a Refusal. The request id of the work that is running goes with every call.

/** A control call that takes longer than this is not going to be answered. */
export const CALL_TIMEOUT_MS = 30_000;

// biome-ignore lint/suspicious/noExplicitAny: the form in which the other side sees a message does not matter here
type Other = any;

/** One question, one answer. */
export async function callUnary<Request, Reply>(
  channel: Channel,
  method: Method<'unary', Request, Other, Other, Reply>,
  request: Request,
  options: CallOptions = {},
): Promise<Reply> {
  const { path, requestSerialize, responseDeserialize } = method;
  const call = new OutgoingCall(channel, { ...options, timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS });
  const answer = Promise.withResolvers<Reply>();
  call.open((metadata, grpcOptions) =>
    channel.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      grpcOptions,
      call.settle(answer),
    ),
  );
  return answer.promise;
}

/**
 * The messages of an answer. The call is made when the first one is asked for, and
 * cancelled when the consumer leaves early. A consumer that is slow holds the sender
 * back: in memory are the channel's window and a few messages.
 */
export async function* callServerStream<Request, Reply>(
  channel: Channel,
  method: Method<'server_stream', Request, Other, Other, Reply>,
  request: Request,
  options: CallOptions = {},
): AsyncGenerator<Reply, void, undefined> {
  const { path, requestSerialize, responseDeserialize } = method;
  const call = new OutgoingCall(channel, options);
  const stream = call.open((metadata, grpcOptions) =>
    channel.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      grpcOptions,
    ),
  );
  try {
    yield* readMessages<Reply>(stream, call.reading);
  } finally {
    call.cancel();
  }
}

/** Messages to a server that answers once. Disposing of it cancels the call unless it has ended. */
export interface ClientStream<Request, Reply> extends AsyncDisposable {
  /** Settles when the next message may come. Rejects when the call is over, also when the answer came early. */
  write(message: Request): Promise<void>;
  /** No more messages; waits for the answer. */
  finish(): Promise<Reply>;
  /** The answer, however early it comes. */
  readonly reply: Promise<Reply>;
}

/** Throws the signal's Refusal when it is aborted already. */
export function callClientStream<Request, Reply>(
  channel: Channel,
  method: Method<'client_stream', Request, Other, Other, Reply>,
  options: CallOptions = {},
): ClientStream<Request, Reply> {
  const { path, requestSerialize, responseDeserialize } = method;
  const call = new OutgoingCall(channel, options);
  const answer = Promise.withResolvers<Reply>();
  // Who only writes learns of a failure there.
  answer.promise.catch(() => {});
  const stream = call.open((metadata, grpcOptions) =>
    channel.client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      grpcOptions,
      call.settle(answer),
    ),
  );
  const writer = new MessageWriter<Request>(channel.isBulk ? releasing(stream) : stream, call.writing);
  return {
    write: (message) => writer.write(message),
    finish: () => {
      if (!stream.writableEnded) stream.end();
      return answer.promise;
    },
    reply: answer.promise,
    async [Symbol.asyncDispose]() {
      call.cancel();
    },
  };
}

/** Messages both ways, each way at its own pace. Disposing of it cancels the call unless it has ended. */
export interface DuplexCall<Request, Reply> extends AsyncDisposable {
  /** To be read once. Throws what the call failed with. */
  readonly messages: AsyncIterable<Reply>;
  /** Settles when the next message may come. Rejects when the call is over. */
  write(message: Request): Promise<void>;
  /** No more messages from here; the other side may go on. */
  end(): void;
}

/** Throws the signal's Refusal when it is aborted already. */
export function callDuplex<Request, Reply>(
  channel: Channel,
  method: Method<'bidi_stream', Request, Other, Other, Reply>,
  options: CallOptions = {},
): DuplexCall<Request, Reply> {
  const { path, requestSerialize, responseDeserialize } = method;
  const call = new OutgoingCall(channel, options);
  const stream = call.open((metadata, grpcOptions) =>
    channel.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, grpcOptions),
  );
  const writer = new MessageWriter<Request>(channel.isBulk ? releasing(stream) : stream, call.writing);
  return {
    messages: readMessages<Reply>(stream, call.reading),
    write: (message) => writer.write(message),
    end: () => {
      if (!stream.writableEnded) stream.end();
    },
    async [Symbol.asyncDispose]() {
      call.cancel();
    },
  };
}
