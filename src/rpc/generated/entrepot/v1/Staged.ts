// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Staged {
  'sizeBytes'?: (number | string | Long);
  'sha512'?: (string);
}

export interface Staged__Output {
  'sizeBytes': (number);
  'sha512': (string);
}
