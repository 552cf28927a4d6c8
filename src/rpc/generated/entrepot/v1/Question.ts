// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Question {
  'questionId'?: (number | string | Long);
  'imageId'?: (string);
}

export interface Question__Output {
  'questionId': (number);
  'imageId': (string);
}
