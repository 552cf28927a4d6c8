// Original file: proto/entrepot/v1/agents.proto

import type { TaskAttempt as _entrepot_v1_TaskAttempt, TaskAttempt__Output as _entrepot_v1_TaskAttempt__Output } from '../../entrepot/v1/TaskAttempt.ts';

export interface Hello {
  'storeId'?: (string);
  'driver'?: (string);
  'fsid'?: (string);
  'pool'?: (string);
  'version'?: (string);
  'transferAddress'?: (string);
  'running'?: (_entrepot_v1_TaskAttempt)[];
}

export interface Hello__Output {
  'storeId': (string);
  'driver': (string);
  'fsid': (string);
  'pool': (string);
  'version': (string);
  'transferAddress': (string);
  'running': (_entrepot_v1_TaskAttempt__Output)[];
}
