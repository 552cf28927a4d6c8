// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadedBefore {
  'sizeBytes'?: (number | string | Long);
  'sha512'?: (string);
}

export interface UploadedBefore__Output {
  'sizeBytes': (number);
  'sha512': (string);
}
