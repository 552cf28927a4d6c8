// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'freeBytes'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  'stagedImageIds'?: (string)[];
  '_freeBytes'?: "freeBytes";
  '_totalBytes'?: "totalBytes";
}

export interface Heartbeat__Output {
  'freeBytes'?: (number);
  'totalBytes'?: (number);
  'stagedImageIds': (string)[];
  '_freeBytes'?: "freeBytes";
  '_totalBytes'?: "totalBytes";
}
