// Original file: proto/entrepot/v1/jobs.proto

import type { JobAhead as _entrepot_v1_JobAhead, JobAhead__Output as _entrepot_v1_JobAhead__Output } from '../../entrepot/v1/JobAhead.ts';
import type { Task as _entrepot_v1_Task, Task__Output as _entrepot_v1_Task__Output } from '../../entrepot/v1/Task.ts';
import type { Long } from '@grpc/proto-loader';

export interface Job {
  'id'?: (string);
  'kind'?: (string);
  'imageId'?: (string);
  'state'?: (string);
  'reason'?: (string);
  'reasonCode'?: (string);
  'storeIds'?: (string)[];
  'place'?: (number);
  'ahead'?: (_entrepot_v1_JobAhead)[];
  'tasks'?: (_entrepot_v1_Task)[];
  'requestedBy'?: (string);
  'requestId'?: (string);
  'createdAtMs'?: (number | string | Long);
  'startedAtMs'?: (number | string | Long);
  'endedAtMs'?: (number | string | Long);
  'cancelRequested'?: (boolean);
  'rate'?: (string);
  'paused'?: (boolean);
  'lane'?: (string);
  'uploadBytes'?: (number | string | Long);
  '_uploadBytes'?: "uploadBytes";
}

export interface Job__Output {
  'id': (string);
  'kind': (string);
  'imageId': (string);
  'state': (string);
  'reason': (string);
  'reasonCode': (string);
  'storeIds': (string)[];
  'place': (number);
  'ahead': (_entrepot_v1_JobAhead__Output)[];
  'tasks': (_entrepot_v1_Task__Output)[];
  'requestedBy': (string);
  'requestId': (string);
  'createdAtMs': (number);
  'startedAtMs': (number);
  'endedAtMs': (number);
  'cancelRequested': (boolean);
  'rate': (string);
  'paused': (boolean);
  'lane': (string);
  'uploadBytes'?: (number);
  '_uploadBytes'?: "uploadBytes";
}
