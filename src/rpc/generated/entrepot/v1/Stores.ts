// Original file: proto/entrepot/v1/stores.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddStoreReply as _entrepot_v1_AddStoreReply, AddStoreReply__Output as _entrepot_v1_AddStoreReply__Output } from '../../entrepot/v1/AddStoreReply.ts';
import type { AddStoreRequest as _entrepot_v1_AddStoreRequest, AddStoreRequest__Output as _entrepot_v1_AddStoreRequest__Output } from '../../entrepot/v1/AddStoreRequest.ts';
import type { ListStoresReply as _entrepot_v1_ListStoresReply, ListStoresReply__Output as _entrepot_v1_ListStoresReply__Output } from '../../entrepot/v1/ListStoresReply.ts';
import type { ListStoresRequest as _entrepot_v1_ListStoresRequest, ListStoresRequest__Output as _entrepot_v1_ListStoresRequest__Output } from '../../entrepot/v1/ListStoresRequest.ts';
import type { PauseStoreRequest as _entrepot_v1_PauseStoreRequest, PauseStoreRequest__Output as _entrepot_v1_PauseStoreRequest__Output } from '../../entrepot/v1/PauseStoreRequest.ts';
import type { RemoveStoreReply as _entrepot_v1_RemoveStoreReply, RemoveStoreReply__Output as _entrepot_v1_RemoveStoreReply__Output } from '../../entrepot/v1/RemoveStoreReply.ts';
import type { RemoveStoreRequest as _entrepot_v1_RemoveStoreRequest, RemoveStoreRequest__Output as _entrepot_v1_RemoveStoreRequest__Output } from '../../entrepot/v1/RemoveStoreRequest.ts';
import type { RevokeStoreRequest as _entrepot_v1_RevokeStoreRequest, RevokeStoreRequest__Output as _entrepot_v1_RevokeStoreRequest__Output } from '../../entrepot/v1/RevokeStoreRequest.ts';
import type { SetStoreRequest as _entrepot_v1_SetStoreRequest, SetStoreRequest__Output as _entrepot_v1_SetStoreRequest__Output } from '../../entrepot/v1/SetStoreRequest.ts';
import type { Store as _entrepot_v1_Store, Store__Output as _entrepot_v1_Store__Output } from '../../entrepot/v1/Store.ts';

export interface StoresClient extends grpc.Client {
  Add(argument: _entrepot_v1_AddStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddStoreRequest, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddStoreRequest, callback: grpc.requestCallback<_entrepot_v1_AddStoreReply__Output>): grpc.ClientUnaryCall;
  
  List(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListStoresRequest, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListStoresRequest, callback: grpc.requestCallback<_entrepot_v1_ListStoresReply__Output>): grpc.ClientUnaryCall;
  
  Pause(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_PauseStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_PauseStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_PauseStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_PauseStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  
  Remove(argument: _entrepot_v1_RemoveStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  Remove(argument: _entrepot_v1_RemoveStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  Remove(argument: _entrepot_v1_RemoveStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  Remove(argument: _entrepot_v1_RemoveStoreRequest, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  remove(argument: _entrepot_v1_RemoveStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  remove(argument: _entrepot_v1_RemoveStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  remove(argument: _entrepot_v1_RemoveStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  remove(argument: _entrepot_v1_RemoveStoreRequest, callback: grpc.requestCallback<_entrepot_v1_RemoveStoreReply__Output>): grpc.ClientUnaryCall;
  
  Resume(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_PauseStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_PauseStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_PauseStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_PauseStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_PauseStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  
  Revoke(argument: _entrepot_v1_RevokeStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  
  Set(argument: _entrepot_v1_SetStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Set(argument: _entrepot_v1_SetStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Set(argument: _entrepot_v1_SetStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  Set(argument: _entrepot_v1_SetStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  set(argument: _entrepot_v1_SetStoreRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  set(argument: _entrepot_v1_SetStoreRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  set(argument: _entrepot_v1_SetStoreRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  set(argument: _entrepot_v1_SetStoreRequest, callback: grpc.requestCallback<_entrepot_v1_Store__Output>): grpc.ClientUnaryCall;
  
}

export interface StoresHandlers extends grpc.UntypedServiceImplementation {
  Add: grpc.handleUnaryCall<_entrepot_v1_AddStoreRequest__Output, _entrepot_v1_AddStoreReply>;
  
  List: grpc.handleUnaryCall<_entrepot_v1_ListStoresRequest__Output, _entrepot_v1_ListStoresReply>;
  
  Pause: grpc.handleUnaryCall<_entrepot_v1_PauseStoreRequest__Output, _entrepot_v1_Store>;
  
  Remove: grpc.handleUnaryCall<_entrepot_v1_RemoveStoreRequest__Output, _entrepot_v1_RemoveStoreReply>;
  
  Resume: grpc.handleUnaryCall<_entrepot_v1_PauseStoreRequest__Output, _entrepot_v1_Store>;
  
  Revoke: grpc.handleUnaryCall<_entrepot_v1_RevokeStoreRequest__Output, _entrepot_v1_Store>;
  
  Set: grpc.handleUnaryCall<_entrepot_v1_SetStoreRequest__Output, _entrepot_v1_Store>;
  
}

export interface StoresDefinition extends grpc.ServiceDefinition {
  Add: MethodDefinition<_entrepot_v1_AddStoreRequest, _entrepot_v1_AddStoreReply, _entrepot_v1_AddStoreRequest__Output, _entrepot_v1_AddStoreReply__Output>
  List: MethodDefinition<_entrepot_v1_ListStoresRequest, _entrepot_v1_ListStoresReply, _entrepot_v1_ListStoresRequest__Output, _entrepot_v1_ListStoresReply__Output>
  Pause: MethodDefinition<_entrepot_v1_PauseStoreRequest, _entrepot_v1_Store, _entrepot_v1_PauseStoreRequest__Output, _entrepot_v1_Store__Output>
  Remove: MethodDefinition<_entrepot_v1_RemoveStoreRequest, _entrepot_v1_RemoveStoreReply, _entrepot_v1_RemoveStoreRequest__Output, _entrepot_v1_RemoveStoreReply__Output>
  Resume: MethodDefinition<_entrepot_v1_PauseStoreRequest, _entrepot_v1_Store, _entrepot_v1_PauseStoreRequest__Output, _entrepot_v1_Store__Output>
  Revoke: MethodDefinition<_entrepot_v1_RevokeStoreRequest, _entrepot_v1_Store, _entrepot_v1_RevokeStoreRequest__Output, _entrepot_v1_Store__Output>
  Set: MethodDefinition<_entrepot_v1_SetStoreRequest, _entrepot_v1_Store, _entrepot_v1_SetStoreRequest__Output, _entrepot_v1_Store__Output>
}
