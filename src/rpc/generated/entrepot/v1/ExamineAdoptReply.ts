// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface ExamineAdoptReply {
  'sizeBytes'?: (number | string | Long);
  'steps'?: (string)[];
}

export interface ExamineAdoptReply__Output {
  'sizeBytes': (number);
  'steps': (string)[];
}
