// Original file: proto/entrepot/v1/images.proto

import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from '../../entrepot/v1/Job.ts';

export interface CopyImageReply {
  'job'?: (_entrepot_v1_Job | null);
  'joined'?: (boolean);
}

export interface CopyImageReply__Output {
  'job': (_entrepot_v1_Job__Output | null);
  'joined': (boolean);
}
