// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Ingest {
  'sizeBytes'?: (number | string | Long);
  'recordJson'?: (string);
}

export interface Ingest__Output {
  'sizeBytes': (number);
  'recordJson': (string);
}
