// Original file: proto/entrepot/v1/events.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListEventsReply as _entrepot_v1_ListEventsReply, ListEventsReply__Output as _entrepot_v1_ListEventsReply__Output } from '../../entrepot/v1/ListEventsReply.ts';
import type { ListEventsRequest as _entrepot_v1_ListEventsRequest, ListEventsRequest__Output as _entrepot_v1_ListEventsRequest__Output } from '../../entrepot/v1/ListEventsRequest.ts';

export interface EventsClient extends grpc.Client {
  List(argument: _entrepot_v1_ListEventsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListEventsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListEventsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListEventsRequest, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListEventsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListEventsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListEventsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListEventsRequest, callback: grpc.requestCallback<_entrepot_v1_ListEventsReply__Output>): grpc.ClientUnaryCall;
  
}

export interface EventsHandlers extends grpc.UntypedServiceImplementation {
  List: grpc.handleUnaryCall<_entrepot_v1_ListEventsRequest__Output, _entrepot_v1_ListEventsReply>;
  
}

export interface EventsDefinition extends grpc.ServiceDefinition {
  List: MethodDefinition<_entrepot_v1_ListEventsRequest, _entrepot_v1_ListEventsReply, _entrepot_v1_ListEventsRequest__Output, _entrepot_v1_ListEventsReply__Output>
}
