// Original file: proto/entrepot/v1/jobs.proto

import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from '../../entrepot/v1/Progress.ts';
import type { TaskTotals as _entrepot_v1_TaskTotals, TaskTotals__Output as _entrepot_v1_TaskTotals__Output } from '../../entrepot/v1/TaskTotals.ts';
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
  'totals'?: (_entrepot_v1_TaskTotals | null);
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
  'totals': (_entrepot_v1_TaskTotals__Output | null);
}
