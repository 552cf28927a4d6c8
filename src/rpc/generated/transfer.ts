import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ChunkRun as _entrepot_v1_ChunkRun, ChunkRun__Output as _entrepot_v1_ChunkRun__Output } from './entrepot/v1/ChunkRun.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from './entrepot/v1/Frame.ts';
import type { PullRequest as _entrepot_v1_PullRequest, PullRequest__Output as _entrepot_v1_PullRequest__Output } from './entrepot/v1/PullRequest.ts';
import type { PushHello as _entrepot_v1_PushHello, PushHello__Output as _entrepot_v1_PushHello__Output } from './entrepot/v1/PushHello.ts';
import type { PushMessage as _entrepot_v1_PushMessage, PushMessage__Output as _entrepot_v1_PushMessage__Output } from './entrepot/v1/PushMessage.ts';
import type { RenewTicketReply as _entrepot_v1_RenewTicketReply, RenewTicketReply__Output as _entrepot_v1_RenewTicketReply__Output } from './entrepot/v1/RenewTicketReply.ts';
import type { RenewTicketRequest as _entrepot_v1_RenewTicketRequest, RenewTicketRequest__Output as _entrepot_v1_RenewTicketRequest__Output } from './entrepot/v1/RenewTicketRequest.ts';
import type { TransferClient as _entrepot_v1_TransferClient, TransferDefinition as _entrepot_v1_TransferDefinition } from './entrepot/v1/Transfer.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      ChunkRun: MessageTypeDefinition<_entrepot_v1_ChunkRun, _entrepot_v1_ChunkRun__Output>
      Frame: MessageTypeDefinition<_entrepot_v1_Frame, _entrepot_v1_Frame__Output>
      PullRequest: MessageTypeDefinition<_entrepot_v1_PullRequest, _entrepot_v1_PullRequest__Output>
      PushHello: MessageTypeDefinition<_entrepot_v1_PushHello, _entrepot_v1_PushHello__Output>
      PushMessage: MessageTypeDefinition<_entrepot_v1_PushMessage, _entrepot_v1_PushMessage__Output>
      RenewTicketReply: MessageTypeDefinition<_entrepot_v1_RenewTicketReply, _entrepot_v1_RenewTicketReply__Output>
      RenewTicketRequest: MessageTypeDefinition<_entrepot_v1_RenewTicketRequest, _entrepot_v1_RenewTicketRequest__Output>
      Transfer: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_TransferClient> & { service: _entrepot_v1_TransferDefinition }
    }
  }
}

