import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Event as _entrepot_v1_Event, Event__Output as _entrepot_v1_Event__Output } from './entrepot/v1/Event.ts';
import type { EventsClient as _entrepot_v1_EventsClient, EventsDefinition as _entrepot_v1_EventsDefinition } from './entrepot/v1/Events.ts';
import type { ListEventsReply as _entrepot_v1_ListEventsReply, ListEventsReply__Output as _entrepot_v1_ListEventsReply__Output } from './entrepot/v1/ListEventsReply.ts';
import type { ListEventsRequest as _entrepot_v1_ListEventsRequest, ListEventsRequest__Output as _entrepot_v1_ListEventsRequest__Output } from './entrepot/v1/ListEventsRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      Event: MessageTypeDefinition<_entrepot_v1_Event, _entrepot_v1_Event__Output>
      Events: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_EventsClient> & { service: _entrepot_v1_EventsDefinition }
      ListEventsReply: MessageTypeDefinition<_entrepot_v1_ListEventsReply, _entrepot_v1_ListEventsReply__Output>
      ListEventsRequest: MessageTypeDefinition<_entrepot_v1_ListEventsRequest, _entrepot_v1_ListEventsRequest__Output>
    }
  }
}

