import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ListStoresReply as _entrepot_v1_ListStoresReply, ListStoresReply__Output as _entrepot_v1_ListStoresReply__Output } from './entrepot/v1/ListStoresReply.ts';
import type { ListStoresRequest as _entrepot_v1_ListStoresRequest, ListStoresRequest__Output as _entrepot_v1_ListStoresRequest__Output } from './entrepot/v1/ListStoresRequest.ts';
import type { Store as _entrepot_v1_Store, Store__Output as _entrepot_v1_Store__Output } from './entrepot/v1/Store.ts';
import type { StoresClient as _entrepot_v1_StoresClient, StoresDefinition as _entrepot_v1_StoresDefinition } from './entrepot/v1/Stores.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      ListStoresReply: MessageTypeDefinition<_entrepot_v1_ListStoresReply, _entrepot_v1_ListStoresReply__Output>
      ListStoresRequest: MessageTypeDefinition<_entrepot_v1_ListStoresRequest, _entrepot_v1_ListStoresRequest__Output>
      Store: MessageTypeDefinition<_entrepot_v1_Store, _entrepot_v1_Store__Output>
      Stores: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_StoresClient> & { service: _entrepot_v1_StoresDefinition }
    }
  }
}

