// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface StoredImage {
  'imageId'?: (string);
  'form'?: (string);
  'sizeBytes'?: (number | string | Long);
}

export interface StoredImage__Output {
  'imageId': (string);
  'form': (string);
  'sizeBytes': (number);
}
