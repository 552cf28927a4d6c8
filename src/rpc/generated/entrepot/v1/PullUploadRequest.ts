// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface PullUploadRequest {
  'taskId'?: (string);
  'attempt'?: (number);
  'fromByte'?: (number | string | Long);
  'sha512'?: (string);
}

export interface PullUploadRequest__Output {
  'taskId': (string);
  'attempt': (number);
  'fromByte': (number);
  'sha512': (string);
}
