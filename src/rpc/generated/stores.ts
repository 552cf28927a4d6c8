import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddStoreReply as _entrepot_v1_AddStoreReply, AddStoreReply__Output as _entrepot_v1_AddStoreReply__Output } from './entrepot/v1/AddStoreReply.ts';
import type { AddStoreRequest as _entrepot_v1_AddStoreRequest, AddStoreRequest__Output as _entrepot_v1_AddStoreRequest__Output } from './entrepot/v1/AddStoreRequest.ts';
import type { ListStoresReply as _entrepot_v1_ListStoresReply, ListStoresReply__Output as _entrepot_v1_ListStoresReply__Output } from './entrepot/v1/ListStoresReply.ts';
import type { ListStoresRequest as _entrepot_v1_ListStoresRequest, ListStoresRequest__Output as _entrepot_v1_ListStoresRequest__Output } from './entrepot/v1/ListStoresRequest.ts';
import type { PauseStoreRequest as _entrepot_v1_PauseStoreRequest, PauseStoreRequest__Output as _entrepot_v1_PauseStoreRequest__Output } from './entrepot/v1/PauseStoreRequest.ts';
import type { RemoveStoreReply as _entrepot_v1_RemoveStoreReply, RemoveStoreReply__Output as _entrepot_v1_RemoveStoreReply__Output } from './entrepot/v1/RemoveStoreReply.ts';
import type { RemoveStoreRequest as _entrepot_v1_RemoveStoreRequest, RemoveStoreRequest__Output as _entrepot_v1_RemoveStoreRequest__Output } from './entrepot/v1/RemoveStoreRequest.ts';
import type { RevokeStoreRequest as _entrepot_v1_RevokeStoreRequest, RevokeStoreRequest__Output as _entrepot_v1_RevokeStoreRequest__Output } from './entrepot/v1/RevokeStoreRequest.ts';
import type { SetStoreRequest as _entrepot_v1_SetStoreRequest, SetStoreRequest__Output as _entrepot_v1_SetStoreRequest__Output } from './entrepot/v1/SetStoreRequest.ts';
import type { Store as _entrepot_v1_Store, Store__Output as _entrepot_v1_Store__Output } from './entrepot/v1/Store.ts';
import type { StoresClient as _entrepot_v1_StoresClient, StoresDefinition as _entrepot_v1_StoresDefinition } from './entrepot/v1/Stores.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      AddStoreReply: MessageTypeDefinition<_entrepot_v1_AddStoreReply, _entrepot_v1_AddStoreReply__Output>
      AddStoreRequest: MessageTypeDefinition<_entrepot_v1_AddStoreRequest, _entrepot_v1_AddStoreRequest__Output>
      ListStoresReply: MessageTypeDefinition<_entrepot_v1_ListStoresReply, _entrepot_v1_ListStoresReply__Output>
      ListStoresRequest: MessageTypeDefinition<_entrepot_v1_ListStoresRequest, _entrepot_v1_ListStoresRequest__Output>
      PauseStoreRequest: MessageTypeDefinition<_entrepot_v1_PauseStoreRequest, _entrepot_v1_PauseStoreRequest__Output>
      RemoveStoreReply: MessageTypeDefinition<_entrepot_v1_RemoveStoreReply, _entrepot_v1_RemoveStoreReply__Output>
      RemoveStoreRequest: MessageTypeDefinition<_entrepot_v1_RemoveStoreRequest, _entrepot_v1_RemoveStoreRequest__Output>
      RevokeStoreRequest: MessageTypeDefinition<_entrepot_v1_RevokeStoreRequest, _entrepot_v1_RevokeStoreRequest__Output>
      SetStoreRequest: MessageTypeDefinition<_entrepot_v1_SetStoreRequest, _entrepot_v1_SetStoreRequest__Output>
      Store: MessageTypeDefinition<_entrepot_v1_Store, _entrepot_v1_Store__Output>
      Stores: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_StoresClient> & { service: _entrepot_v1_StoresDefinition }
    }
  }
}

