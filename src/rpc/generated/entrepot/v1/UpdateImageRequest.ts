// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface UpdateImageRequest {
  'imageId'?: (string);
  'name'?: (string);
  'visibility'?: (string);
  'owner'?: (string);
  'protected'?: (boolean);
  'osHidden'?: (boolean);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'minDiskGib'?: (number | string | Long);
  'minRamMib'?: (number | string | Long);
  'properties'?: ({[key: string]: string});
  'removedProperties'?: (string)[];
  'addedTags'?: (string)[];
  'removedTags'?: (string)[];
  '_name'?: "name";
  '_visibility'?: "visibility";
  '_owner'?: "owner";
  '_protected'?: "protected";
  '_osHidden'?: "osHidden";
  '_diskFormat'?: "diskFormat";
  '_containerFormat'?: "containerFormat";
  '_minDiskGib'?: "minDiskGib";
  '_minRamMib'?: "minRamMib";
}

export interface UpdateImageRequest__Output {
  'imageId': (string);
  'name'?: (string);
  'visibility'?: (string);
  'owner'?: (string);
  'protected'?: (boolean);
  'osHidden'?: (boolean);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'minDiskGib'?: (number);
  'minRamMib'?: (number);
  'properties': ({[key: string]: string});
  'removedProperties': (string)[];
  'addedTags': (string)[];
  'removedTags': (string)[];
  '_name'?: "name";
  '_visibility'?: "visibility";
  '_owner'?: "owner";
  '_protected'?: "protected";
  '_osHidden'?: "osHidden";
  '_diskFormat'?: "diskFormat";
  '_containerFormat'?: "containerFormat";
  '_minDiskGib'?: "minDiskGib";
  '_minRamMib'?: "minRamMib";
}
