// Original file: proto/entrepot/v1/events.proto

import type { Long } from '@grpc/proto-loader';

export interface Event {
  'sequence'?: (number | string | Long);
  'atMs'?: (number | string | Long);
  'kind'?: (string);
  'actor'?: (string);
  'peer'?: (string);
  'requestId'?: (string);
  'outcome'?: (string);
  'imageId'?: (string);
  'storeId'?: (string);
  'jobId'?: (string);
  'taskId'?: (string);
  'detailJson'?: (string);
}

export interface Event__Output {
  'sequence': (number);
  'atMs': (number);
  'kind': (string);
  'actor': (string);
  'peer': (string);
  'requestId': (string);
  'outcome': (string);
  'imageId': (string);
  'storeId': (string);
  'jobId': (string);
  'taskId': (string);
  'detailJson': (string);
}
