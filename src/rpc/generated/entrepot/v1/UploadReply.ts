// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadReply {
  'receivedBytes'?: (number | string | Long);
}

export interface UploadReply__Output {
  'receivedBytes': (number);
}
