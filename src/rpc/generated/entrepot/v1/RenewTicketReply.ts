// Original file: proto/entrepot/v1/transfer.proto

import type { Long } from '@grpc/proto-loader';

export interface RenewTicketReply {
  'expiresAtMs'?: (number | string | Long);
}

export interface RenewTicketReply__Output {
  'expiresAtMs': (number);
}
