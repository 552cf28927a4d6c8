// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface CreateImageRequest {
  'id'?: (string);
  'name'?: (string);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'visibility'?: (string);
  'protected'?: (boolean);
  'osHidden'?: (boolean);
  'minDiskGib'?: (number | string | Long);
  'minRamMib'?: (number | string | Long);
  'tags'?: (string)[];
  'properties'?: ({[key: string]: string});
  'owner'?: (string);
}

export interface CreateImageRequest__Output {
  'id': (string);
  'name': (string);
  'diskFormat': (string);
  'containerFormat': (string);
  'visibility': (string);
  'protected': (boolean);
  'osHidden': (boolean);
  'minDiskGib': (number);
  'minRamMib': (number);
  'tags': (string)[];
  'properties': ({[key: string]: string});
  'owner': (string);
}
