// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface BeginUploadRequest {
  'imageId'?: (string);
  'storeId'?: (string);
  'sizeBytes'?: (number | string | Long);
  'storeIds'?: (string)[];
  'allStores'?: (boolean);
  'allStoresMustSucceed'?: (boolean);
  'lane'?: (string);
}

export interface BeginUploadRequest__Output {
  'imageId': (string);
  'storeId': (string);
  'sizeBytes': (number);
  'storeIds': (string)[];
  'allStores': (boolean);
  'allStoresMustSucceed': (boolean);
  'lane': (string);
}
