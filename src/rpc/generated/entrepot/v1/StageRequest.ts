// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface StageRequest {
  'imageId'?: (string);
  'storeId'?: (string);
  'sizeBytes'?: (number | string | Long);
  'lane'?: (string);
}

export interface StageRequest__Output {
  'imageId': (string);
  'storeId': (string);
  'sizeBytes': (number);
  'lane': (string);
}
