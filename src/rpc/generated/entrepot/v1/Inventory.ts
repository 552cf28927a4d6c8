// Original file: proto/entrepot/v1/agents.proto

import type { StoredImage as _entrepot_v1_StoredImage, StoredImage__Output as _entrepot_v1_StoredImage__Output } from '../../entrepot/v1/StoredImage.ts';

export interface Inventory {
  'images'?: (_entrepot_v1_StoredImage)[];
  'last'?: (boolean);
}

export interface Inventory__Output {
  'images': (_entrepot_v1_StoredImage__Output)[];
  'last': (boolean);
}
