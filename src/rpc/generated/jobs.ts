import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { GetJobRequest as _entrepot_v1_GetJobRequest, GetJobRequest__Output as _entrepot_v1_GetJobRequest__Output } from './entrepot/v1/GetJobRequest.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from './entrepot/v1/Job.ts';
import type { JobAhead as _entrepot_v1_JobAhead, JobAhead__Output as _entrepot_v1_JobAhead__Output } from './entrepot/v1/JobAhead.ts';
import type { JobsClient as _entrepot_v1_JobsClient, JobsDefinition as _entrepot_v1_JobsDefinition } from './entrepot/v1/Jobs.ts';
import type { ListJobsReply as _entrepot_v1_ListJobsReply, ListJobsReply__Output as _entrepot_v1_ListJobsReply__Output } from './entrepot/v1/ListJobsReply.ts';
import type { ListJobsRequest as _entrepot_v1_ListJobsRequest, ListJobsRequest__Output as _entrepot_v1_ListJobsRequest__Output } from './entrepot/v1/ListJobsRequest.ts';
import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from './entrepot/v1/Progress.ts';
import type { SetJobRateRequest as _entrepot_v1_SetJobRateRequest, SetJobRateRequest__Output as _entrepot_v1_SetJobRateRequest__Output } from './entrepot/v1/SetJobRateRequest.ts';
import type { Task as _entrepot_v1_Task, Task__Output as _entrepot_v1_Task__Output } from './entrepot/v1/Task.ts';
import type { TaskTotals as _entrepot_v1_TaskTotals, TaskTotals__Output as _entrepot_v1_TaskTotals__Output } from './entrepot/v1/TaskTotals.ts';
import type { Traffic as _entrepot_v1_Traffic, Traffic__Output as _entrepot_v1_Traffic__Output } from './entrepot/v1/Traffic.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      GetJobRequest: MessageTypeDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_GetJobRequest__Output>
      Job: MessageTypeDefinition<_entrepot_v1_Job, _entrepot_v1_Job__Output>
      JobAhead: MessageTypeDefinition<_entrepot_v1_JobAhead, _entrepot_v1_JobAhead__Output>
      Jobs: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_JobsClient> & { service: _entrepot_v1_JobsDefinition }
      ListJobsReply: MessageTypeDefinition<_entrepot_v1_ListJobsReply, _entrepot_v1_ListJobsReply__Output>
      ListJobsRequest: MessageTypeDefinition<_entrepot_v1_ListJobsRequest, _entrepot_v1_ListJobsRequest__Output>
      Progress: MessageTypeDefinition<_entrepot_v1_Progress, _entrepot_v1_Progress__Output>
      SetJobRateRequest: MessageTypeDefinition<_entrepot_v1_SetJobRateRequest, _entrepot_v1_SetJobRateRequest__Output>
      Task: MessageTypeDefinition<_entrepot_v1_Task, _entrepot_v1_Task__Output>
      TaskTotals: MessageTypeDefinition<_entrepot_v1_TaskTotals, _entrepot_v1_TaskTotals__Output>
      Traffic: MessageTypeDefinition<_entrepot_v1_Traffic, _entrepot_v1_Traffic__Output>
    }
  }
}

