// Original file: proto/entrepot/v1/stores.proto

import type { Long } from '@grpc/proto-loader';

export interface RemoveStoreReply {
  'orphanedCopies'?: (number | string | Long);
}

export interface RemoveStoreReply__Output {
  'orphanedCopies': (number);
}
