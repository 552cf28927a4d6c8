// Original file: proto/entrepot/v1/images.proto

import type { Long } from '@grpc/proto-loader';

export interface ImageMember {
  'imageId'?: (string);
  'member'?: (string);
  'status'?: (string);
  'createdAtMs'?: (number | string | Long);
  'updatedAtMs'?: (number | string | Long);
}

export interface ImageMember__Output {
  'imageId': (string);
  'member': (string);
  'status': (string);
  'createdAtMs': (number);
  'updatedAtMs': (number);
}
