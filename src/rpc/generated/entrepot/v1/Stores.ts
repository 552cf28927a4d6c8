// Original file: proto/entrepot/v1/stores.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListStoresReply as _entrepot_v1_ListStoresReply, ListStoresReply__Output as _entrepot_v1_ListStoresReply__Output } from '../../entrepot/v1/ListStoresReply.ts';
import type { ListStoresRequest as _entrepot_v1_ListStoresRequest, ListStoresRequest__Output as _entrepot_v1_ListStoresRequest__Output } from '../../entrepot/v1/ListStoresRequest.ts';

export interface StoresClient extends grpc.Client {
  List(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  
}

export interface StoresHandlers extends grpc.UntypedServiceImplementation {
  List: grpc.handleUnaryCall<_entrepot_v1_ListStoresRequest__Output, _entrepot_v1_ListStoresReply>;
  
}

export interface StoresDefinition extends grpc.ServiceDefinition {
  List: MethodDefinition<_entrepot_v1_ListStoresRequest, _entrepot_v1_ListStoresReply, _entrepot_v1_ListStoresRequest__Output, _entrepot_v1_ListStoresReply__Output>
}
