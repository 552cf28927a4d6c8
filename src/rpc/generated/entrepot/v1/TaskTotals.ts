// Original file: proto/entrepot/v1/jobs.proto

import type { Traffic as _entrepot_v1_Traffic, Traffic__Output as _entrepot_v1_Traffic__Output } from '../../entrepot/v1/Traffic.ts';

export interface TaskTotals {
  'traffic'?: (_entrepot_v1_Traffic | null);
  'seconds'?: (number | string);
  'compression'?: (string);
}

export interface TaskTotals__Output {
  'traffic': (_entrepot_v1_Traffic__Output | null);
  'seconds': (number);
  'compression': (string);
}
