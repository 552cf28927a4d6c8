import type * as grpc from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';

export type MethodKind = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/**
 * One method of a service, with everything a caller or a server needs to use it. Messages
 * have two forms: as they are written (defaults may be left out) and as they are read.
 */
export interface Method<Kind extends MethodKind, RequestSent, RequestRead, ReplySent, ReplyRead> {
  readonly kind: Kind;
  /** `/entrepot.v1.Images/Get` */
  readonly path: string;
  /** `entrepot.v1.Images` */
  readonly service: string;
  readonly name: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: RequestSent) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => RequestRead;
  readonly responseSerialize: (message: ReplySent) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => ReplyRead;
}

// biome-ignore lint/suspicious/noExplicitAny: messages stand on both sides of functions, only `any` fits all
export type AnyMethod = Method<MethodKind, any, any, any, any>;
export type ServiceMethods = Readonly<Record<string, AnyMethod>>;

// biome-ignore lint/suspicious/noExplicitAny: see AnyMethod
type Any = any;

type KindOf<Handler> =
  Handler extends grpc.handleUnaryCall<Any, Any>
    ? 'unary'
    : Handler extends grpc.handleClientStreamingCall<Any, Any>
      ? 'client_stream'
      : Handler extends grpc.handleServerStreamingCall<Any, Any>
        ? 'server_stream'
        : Handler extends grpc.handleBidiStreamingCall<Any, Any>
          ? 'bidi_stream'
          : never;

type Named<Members> = keyof { [Name in keyof Members as string extends Name ? never : Name]: unknown };

/** The methods of a generated service: messages from its definition, kinds from its handlers. */
export type MethodsOf<Definition, Handlers> = {
  readonly [Name in Named<Definition> & keyof Handlers]: Definition[Name] extends MethodDefinition<
    infer RequestSent,
    infer ReplySent,
    infer RequestRead,
    infer ReplyRead
  >
    ? Method<KindOf<Handlers[Name]>, RequestSent, RequestRead, ReplySent, ReplyRead>
    : never;
};

export function kindOf({
  requestStream,
  responseStream,
}: {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}): MethodKind {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}
