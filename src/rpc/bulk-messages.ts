import type { Client } from '@grpc/grpc-js';
import { prefixed, releaseFrame } from '../transfer/frame-codec.ts';
import { REQUEST_LIMIT_BYTES } from './limits.ts';
import { MessageDecoder } from './message-decoder.ts';
import type { AnyMethod } from './methods.ts';

// grpc-js allocates and copies each message twice, at both ends. That costs more than TLS does, most of it in
// V8's garbage collector (docs/decisions/0011-bulk-messages.md). What is touched here to avoid it are private members of
// grpc-js 1.14.7, to which package.json is pinned; each is looked at before, and tests measure that it works.

interface CallInside {
  decoder: { write(piece: Buffer): Buffer[] };
}

interface ServerCallInside extends CallInside {
  serializeMessage(message: unknown): Buffer;
}

/** A call at the server: the gate's, and behind it grpc-js's own. */
interface ServedInside {
  readonly call: { readonly nextCall: ServerCallInside };
}

interface SubchannelInside {
  createCall(...parts: unknown[]): CallInside;
}

interface FilterInside {
  sendCompression: { writeMessage(message: Buffer, compress: boolean): Promise<Buffer> };
}

interface ChannelInside {
  internalChannel: {
    subchannelPool: { getOrCreateSubchannel(...parts: unknown[]): SubchannelInside };
    filterStackFactory: { factories: { createFilter(): FilterInside }[] };
  };
}

/**
 * Calls of this client put messages together in memory that is used again, and send frames without a copy.
 * For a client with connections of its own, whose answers are at most `limitBytes` long. Before its first call.
 */
export function reuseMemoryOfClient(client: Client, limitBytes: number): void {
  const { internalChannel } = client.getChannel() as unknown as ChannelInside;
  const { subchannelPool, filterStackFactory } = internalChannel;
  const createSubchannel = member(subchannelPool, 'getOrCreateSubchannel');
  subchannelPool.getOrCreateSubchannel = (...parts) => {
    const subchannel = createSubchannel(...parts);
    // A pool hands the same one out again.
    if (!Object.hasOwn(subchannel, 'createCall')) decodeInPlace(subchannel, limitBytes);
    return subchannel;
  };
  const [compression] = filterStackFactory.factories;
  if (compression === undefined) throw builtDifferently('factories');
  const createFilter = member(compression, 'createFilter');
  compression.createFilter = () => {
    const filter = createFilter();
    member(filter.sendCompression, 'writeMessage');
    filter.sendCompression.writeMessage = async (message) => prefixed(message);
    return filter;
  };
}

function decodeInPlace(subchannel: SubchannelInside, limitBytes: number): void {
  const createCall = member(subchannel, 'createCall');
  subchannel.createCall = (...parts) => {
    const call = createCall(...parts);
    member(call.decoder, 'write');
    call.decoder = new MessageDecoder(limitBytes);
    return call;
  };
}

/** The same for a stream that a server serves, as its handler gets it: before the first message is read or written. */
export function reuseMemoryOfCall(call: unknown, { requestStream, responseSerialize }: AnyMethod): void {
  const { nextCall } = (call as ServedInside).call;
  member(nextCall, 'serializeMessage');
  nextCall.serializeMessage = (message) => prefixed(responseSerialize(message));
  if (!requestStream) return;
  member(nextCall.decoder, 'write');
  nextCall.decoder = new MessageDecoder(REQUEST_LIMIT_BYTES);
}

/** What is written to `stream`, released when the socket has it. A call that breaks releases nothing. */
export function releasing<Message>(stream: MessageSink<Message>): MessageSink<Message> {
  return {
    write: (message, sent) =>
      stream.write(message, (error) => {
        sent();
        // Of a stream that broke it is not known what HTTP/2 still reads.
        if (!error) releaseFrame(message);
      }),
  };
}

interface MessageSink<Message> {
  write(message: Message, sent: (error?: Error | null) => void): boolean;
}

/** The method, bound; throws when there is none of this name. */
function member<Inside extends object, Name extends keyof Inside & string>(
  inside: Inside,
  name: Name,
): Inside[Name] {
  const method = inside[name];
  if (typeof method !== 'function') throw builtDifferently(name);
  return method.bind(inside) as Inside[Name];
}

function builtDifferently(name: string): Error {
  return new Error(
    `this version of @grpc/grpc-js is built differently (${name}): see src/rpc/bulk-messages.ts`,
  );
}
