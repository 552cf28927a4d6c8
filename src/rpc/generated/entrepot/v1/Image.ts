// Original file: proto/entrepot/v1/images.proto

import type { Copy as _entrepot_v1_Copy, Copy__Output as _entrepot_v1_Copy__Output } from '../../entrepot/v1/Copy.ts';
import type { Long } from '@grpc/proto-loader';

export interface Image {
  'id'?: (string);
  'name'?: (string);
  'status'?: (string);
  'visibility'?: (string);
  'owner'?: (string);
  'protected'?: (boolean);
  'osHidden'?: (boolean);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'sizeBytes'?: (number | string | Long);
  'virtualSizeBytes'?: (number | string | Long);
  'minDiskGib'?: (number | string | Long);
  'minRamMib'?: (number | string | Long);
  'checksum'?: (string);
  'osHashAlgo'?: (string);
  'osHashValue'?: (string);
  'tags'?: (string)[];
  'properties'?: ({[key: string]: string});
  'createdAtMs'?: (number | string | Long);
  'updatedAtMs'?: (number | string | Long);
  'root'?: (string);
  'dataBytes'?: (number | string | Long);
  'copies'?: (_entrepot_v1_Copy)[];
  'osGlanceImportingToStores'?: (string)[];
  'osGlanceFailedImport'?: (string)[];
  'propertyWarnings'?: (string)[];
  'stagedBytes'?: (number | string | Long);
  'stagedSha512'?: (string);
  '_sizeBytes'?: "sizeBytes";
  '_virtualSizeBytes'?: "virtualSizeBytes";
  '_dataBytes'?: "dataBytes";
  '_stagedBytes'?: "stagedBytes";
}

export interface Image__Output {
  'id': (string);
  'name': (string);
  'status': (string);
  'visibility': (string);
  'owner': (string);
  'protected': (boolean);
  'osHidden': (boolean);
  'diskFormat': (string);
  'containerFormat': (string);
  'sizeBytes'?: (number);
  'virtualSizeBytes'?: (number);
  'minDiskGib': (number);
  'minRamMib': (number);
  'checksum': (string);
  'osHashAlgo': (string);
  'osHashValue': (string);
  'tags': (string)[];
  'properties': ({[key: string]: string});
  'createdAtMs': (number);
  'updatedAtMs': (number);
  'root': (string);
  'dataBytes'?: (number);
  'copies': (_entrepot_v1_Copy__Output)[];
  'osGlanceImportingToStores': (string)[];
  'osGlanceFailedImport': (string)[];
  'propertyWarnings': (string)[];
  'stagedBytes'?: (number);
  'stagedSha512': (string);
  '_sizeBytes'?: "sizeBytes";
  '_virtualSizeBytes'?: "virtualSizeBytes";
  '_dataBytes'?: "dataBytes";
  '_stagedBytes'?: "stagedBytes";
}
