// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface StageWork {
  'sizeBytes'?: (number | string | Long);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
}

export interface StageWork__Output {
  'sizeBytes': (number);
  'diskFormat': (string);
  'containerFormat': (string);
}
