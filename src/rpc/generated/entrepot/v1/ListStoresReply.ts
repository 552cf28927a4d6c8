// Original file: proto/entrepot/v1/stores.proto

import type { Store as _entrepot_v1_Store, Store__Output as _entrepot_v1_Store__Output } from '../../entrepot/v1/Store.ts';

export interface ListStoresReply {
  'stores'?: (_entrepot_v1_Store)[];
}

export interface ListStoresReply__Output {
  'stores': (_entrepot_v1_Store__Output)[];
}
