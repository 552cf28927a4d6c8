// Original file: proto/entrepot/v1/transfer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';
import type { PullRequest as _entrepot_v1_PullRequest, PullRequest__Output as _entrepot_v1_PullRequest__Output } from '../../entrepot/v1/PullRequest.ts';
import type { PushMessage as _entrepot_v1_PushMessage, PushMessage__Output as _entrepot_v1_PushMessage__Output } from '../../entrepot/v1/PushMessage.ts';
import type { RenewTicketReply as _entrepot_v1_RenewTicketReply, RenewTicketReply__Output as _entrepot_v1_RenewTicketReply__Output } from '../../entrepot/v1/RenewTicketReply.ts';
import type { RenewTicketRequest as _entrepot_v1_RenewTicketRequest, RenewTicketRequest__Output as _entrepot_v1_RenewTicketRequest__Output } from '../../entrepot/v1/RenewTicketRequest.ts';

export interface TransferClient extends grpc.Client {
  Pull(argument: _entrepot_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  Pull(argument: _entrepot_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pull(argument: _entrepot_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pull(argument: _entrepot_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  
  Push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  Push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  
  Renew(argument: _entrepot_v1_RenewTicketRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewTicketRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewTicketRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewTicketRequest, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewTicketRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewTicketRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewTicketRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewTicketRequest, callback: grpc.requestCallback<_entrepot_v1_RenewTicketReply__Output>): grpc.ClientUnaryCall;
  
}

export interface TransferHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleServerStreamingCall<_entrepot_v1_PullRequest__Output, _entrepot_v1_Frame>;
  
  Push: grpc.handleBidiStreamingCall<_entrepot_v1_PushMessage__Output, _entrepot_v1_PullRequest>;
  
  Renew: grpc.handleUnaryCall<_entrepot_v1_RenewTicketRequest__Output, _entrepot_v1_RenewTicketReply>;
  
}

export interface TransferDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_entrepot_v1_PullRequest, _entrepot_v1_Frame, _entrepot_v1_PullRequest__Output, _entrepot_v1_Frame__Output>
  Push: MethodDefinition<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest, _entrepot_v1_PushMessage__Output, _entrepot_v1_PullRequest__Output>
  Renew: MethodDefinition<_entrepot_v1_RenewTicketRequest, _entrepot_v1_RenewTicketReply, _entrepot_v1_RenewTicketRequest__Output, _entrepot_v1_RenewTicketReply__Output>
}
