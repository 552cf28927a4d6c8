// Original file: proto/entrepot/v1/jobs.proto

import type { Long } from '@grpc/proto-loader';

export interface Traffic {
  'receivedBytes'?: (number | string | Long);
  'holeBytes'?: (number | string | Long);
  'resumedBytes'?: (number | string | Long);
  'verifiedBytes'?: (number | string | Long);
  'wireBytes'?: (number | string | Long);
}

export interface Traffic__Output {
  'receivedBytes': (number);
  'holeBytes': (number);
  'resumedBytes': (number);
  'verifiedBytes': (number);
  'wireBytes': (number);
}
