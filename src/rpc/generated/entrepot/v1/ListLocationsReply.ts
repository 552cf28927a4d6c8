// Original file: proto/entrepot/v1/images.proto

import type { Location as _entrepot_v1_Location, Location__Output as _entrepot_v1_Location__Output } from '../../entrepot/v1/Location.ts';

export interface ListLocationsReply {
  'locations'?: (_entrepot_v1_Location)[];
}

export interface ListLocationsReply__Output {
  'locations': (_entrepot_v1_Location__Output)[];
}
