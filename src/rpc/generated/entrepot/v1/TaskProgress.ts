// Original file: proto/entrepot/v1/agents.proto

import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from '../../entrepot/v1/Progress.ts';

export interface TaskProgress {
  'taskId'?: (string);
  'attempt'?: (number);
  'progress'?: (_entrepot_v1_Progress | null);
}

export interface TaskProgress__Output {
  'taskId': (string);
  'attempt': (number);
  'progress': (_entrepot_v1_Progress__Output | null);
}
