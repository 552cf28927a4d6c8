// Original file: proto/entrepot/v1/jobs.proto

import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from '../../entrepot/v1/Job.ts';

export interface ListJobsReply {
  'jobs'?: (_entrepot_v1_Job)[];
}

export interface ListJobsReply__Output {
  'jobs': (_entrepot_v1_Job__Output)[];
}
