// Original file: proto/entrepot/v1/transfer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';
import type { PullRequest as _entrepot_v1_PullRequest, PullRequest__Output as _entrepot_v1_PullRequest__Output } from '../../entrepot/v1/PullRequest.ts';
import type { PushMessage as _entrepot_v1_PushMessage, PushMessage__Output as _entrepot_v1_PushMessage__Output } from '../../entrepot/v1/PushMessage.ts';

export interface TransferClient extends grpc.Client {
  Pull(argument: _entrepot_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  Pull(argument: _entrepot_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pull(argument: _entrepot_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pull(argument: _entrepot_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  
  Push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  Push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest__Output>;
  
}

export interface TransferHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleServerStreamingCall<_entrepot_v1_PullRequest__Output, _entrepot_v1_Frame>;
  
  Push: grpc.handleBidiStreamingCall<_entrepot_v1_PushMessage__Output, _entrepot_v1_PullRequest>;
  
}

export interface TransferDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_entrepot_v1_PullRequest, _entrepot_v1_Frame, _entrepot_v1_PullRequest__Output, _entrepot_v1_Frame__Output>
  Push: MethodDefinition<_entrepot_v1_PushMessage, _entrepot_v1_PullRequest, _entrepot_v1_PushMessage__Output, _entrepot_v1_PullRequest__Output>
}
