// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Ingested {
  'sizeBytes'?: (number | string | Long);
  'dataBytes'?: (number | string | Long);
  'root'?: (string);
  'checksum'?: (string);
  'osHashAlgo'?: (string);
  'osHashValue'?: (string);
}

export interface Ingested__Output {
  'sizeBytes': (number);
  'dataBytes': (number);
  'root': (string);
  'checksum': (string);
  'osHashAlgo': (string);
  'osHashValue': (string);
}
