// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface Location {
  'url'?: (string);
  'storeId'?: (string);
  'verifiedRoot'?: (string);
  'verifiedAtMs'?: (number | string | Long);
}

export interface Location__Output {
  'url': (string);
  'storeId': (string);
  'verifiedRoot': (string);
  'verifiedAtMs': (number);
}
