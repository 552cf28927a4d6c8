// Original file: proto/entrepot/v1/transfer.proto

import type { Long } from '@grpc/proto-loader';

export interface Frame {
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'last'?: (boolean);
  'unpackedBytes'?: (number);
  'compression'?: (number);
}

export interface Frame__Output {
  'offset': (number);
  'data': (Buffer);
  'last': (boolean);
  'unpackedBytes': (number);
  'compression': (number);
}
