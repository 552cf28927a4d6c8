// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface DownloadRequest {
  'imageId'?: (string);
  'storeId'?: (string);
  'fromByte'?: (number | string | Long);
}

export interface DownloadRequest__Output {
  'imageId': (string);
  'storeId': (string);
  'fromByte': (number);
}
