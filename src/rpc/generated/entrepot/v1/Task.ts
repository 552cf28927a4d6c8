// Original file: proto/entrepot/v1/jobs.proto

import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from '../../entrepot/v1/Progress.ts';
import type { Long } from '@grpc/proto-loader';

export interface Task {
  'id'?: (string);
  'kind'?: (string);
  'storeId'?: (string);
  'sourceStoreId'?: (string);
  'state'?: (string);
  'attempt'?: (number);
  'reason'?: (string);
  'reasonCode'?: (string);
  'notBeforeMs'?: (number | string | Long);
  'progress'?: (_entrepot_v1_Progress | null);
}

export interface Task__Output {
  'id': (string);
  'kind': (string);
  'storeId': (string);
  'sourceStoreId': (string);
  'state': (string);
  'attempt': (number);
  'reason': (string);
  'reasonCode': (string);
  'notBeforeMs': (number);
  'progress': (_entrepot_v1_Progress__Output | null);
}
