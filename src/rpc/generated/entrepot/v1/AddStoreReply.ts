// Original file: proto/entrepot/v1/stores.proto

import type { Store as _entrepot_v1_Store, Store__Output as _entrepot_v1_Store__Output } from '../../entrepot/v1/Store.ts';
import type { Long } from '@grpc/proto-loader';

export interface AddStoreReply {
  'store'?: (_entrepot_v1_Store | null);
  'joinToken'?: (string);
  'tokenExpiresAtMs'?: (number | string | Long);
}

export interface AddStoreReply__Output {
  'store': (_entrepot_v1_Store__Output | null);
  'joinToken': (string);
  'tokenExpiresAtMs': (number);
}
