// Original file: proto/entrepot/v1/images.proto

import type { UploadedBefore as _entrepot_v1_UploadedBefore, UploadedBefore__Output as _entrepot_v1_UploadedBefore__Output } from '../../entrepot/v1/UploadedBefore.ts';
import type { Long } from '@grpc/proto-loader';

export interface UploadReply {
  'receivedBytes'?: (number | string | Long);
  'before'?: (_entrepot_v1_UploadedBefore | null);
  'told'?: "receivedBytes"|"before";
}

export interface UploadReply__Output {
  'receivedBytes'?: (number);
  'before'?: (_entrepot_v1_UploadedBefore__Output | null);
  'told'?: "receivedBytes"|"before";
}
