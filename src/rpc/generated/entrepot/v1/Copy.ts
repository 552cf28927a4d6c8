// Original file: proto/entrepot/v1/images.proto

import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from '../../entrepot/v1/Progress.ts';
import type { Long } from '@grpc/proto-loader';

export interface Copy {
  'storeId'?: (string);
  'state'?: (string);
  'reason'?: (string);
  'verifiedRoot'?: (string);
  'verifiedAtMs'?: (number | string | Long);
  'progress'?: (_entrepot_v1_Progress | null);
}

export interface Copy__Output {
  'storeId': (string);
  'state': (string);
  'reason': (string);
  'verifiedRoot': (string);
  'verifiedAtMs': (number);
  'progress': (_entrepot_v1_Progress__Output | null);
}
