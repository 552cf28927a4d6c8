// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Ingested {
  'sizeBytes'?: (number | string | Long);
  'dataBytes'?: (number | string | Long);
  'root'?: (string);
  'checksum'?: (string);
  'osHashAlgo'?: (string);
  'osHashValue'?: (string);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'properties'?: ({[key: string]: string});
  'virtualSizeBytes'?: (number | string | Long);
}

export interface Ingested__Output {
  'sizeBytes': (number);
  'dataBytes': (number);
  'root': (string);
  'checksum': (string);
  'osHashAlgo': (string);
  'osHashValue': (string);
  'diskFormat': (string);
  'containerFormat': (string);
  'properties': ({[key: string]: string});
  'virtualSizeBytes': (number);
}
