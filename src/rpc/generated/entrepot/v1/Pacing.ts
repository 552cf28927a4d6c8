// Original file: proto/entrepot/v1/agents.proto

import type { StorePace as _entrepot_v1_StorePace, StorePace__Output as _entrepot_v1_StorePace__Output } from '../../entrepot/v1/StorePace.ts';
import type { JobPace as _entrepot_v1_JobPace, JobPace__Output as _entrepot_v1_JobPace__Output } from '../../entrepot/v1/JobPace.ts';

export interface Pacing {
  'stores'?: (_entrepot_v1_StorePace)[];
  'jobs'?: (_entrepot_v1_JobPace)[];
}

export interface Pacing__Output {
  'stores': (_entrepot_v1_StorePace__Output)[];
  'jobs': (_entrepot_v1_JobPace__Output)[];
}
