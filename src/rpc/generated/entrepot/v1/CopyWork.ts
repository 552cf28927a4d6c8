// Original file: proto/entrepot/v1/agents.proto

import type { Long } from '@grpc/proto-loader';

export interface CopyWork {
  'sizeBytes'?: (number | string | Long);
  'root'?: (string);
  'sourceStoreId'?: (string);
  'sourceAddress'?: (string);
  'recordJson'?: (string);
  'ticket'?: (string);
}

export interface CopyWork__Output {
  'sizeBytes': (number);
  'root': (string);
  'sourceStoreId': (string);
  'sourceAddress': (string);
  'recordJson': (string);
  'ticket': (string);
}
