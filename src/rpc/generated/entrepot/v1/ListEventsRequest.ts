// Original file: proto/entrepot/v1/events.proto

import type { Long } from '@grpc/proto-loader';

export interface ListEventsRequest {
  'sinceMs'?: (number | string | Long);
  'imageId'?: (string);
  'storeId'?: (string);
  'actor'?: (string);
  'afterSequence'?: (number | string | Long);
  'limit'?: (number);
}

export interface ListEventsRequest__Output {
  'sinceMs': (number);
  'imageId': (string);
  'storeId': (string);
  'actor': (string);
  'afterSequence': (number);
  'limit': (number);
}
