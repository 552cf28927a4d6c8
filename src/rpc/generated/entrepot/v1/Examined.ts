// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Examined {
  'sizeBytes'?: (number | string | Long);
  'steps'?: (string)[];
}

export interface Examined__Output {
  'sizeBytes': (number);
  'steps': (string)[];
}
