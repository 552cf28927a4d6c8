// Original file: proto/entrepot/v1/jobs.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetJobRequest as _entrepot_v1_GetJobRequest, GetJobRequest__Output as _entrepot_v1_GetJobRequest__Output } from '../../entrepot/v1/GetJobRequest.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from '../../entrepot/v1/Job.ts';
import type { ListJobsReply as _entrepot_v1_ListJobsReply, ListJobsReply__Output as _entrepot_v1_ListJobsReply__Output } from '../../entrepot/v1/ListJobsReply.ts';
import type { ListJobsRequest as _entrepot_v1_ListJobsRequest, ListJobsRequest__Output as _entrepot_v1_ListJobsRequest__Output } from '../../entrepot/v1/ListJobsRequest.ts';
import type { SetJobRateRequest as _entrepot_v1_SetJobRateRequest, SetJobRateRequest__Output as _entrepot_v1_SetJobRateRequest__Output } from '../../entrepot/v1/SetJobRateRequest.ts';

export interface JobsClient extends grpc.Client {
  Cancel(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  cancel(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  List(argument: _entrepot_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListJobsRequest, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListJobsRequest, callback: grpc.requestCallback<_entrepot_v1_ListJobsReply__Output>): grpc.ClientUnaryCall;
  
  Pause(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Pause(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  pause(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Resume(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Resume(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  resume(argument: _entrepot_v1_GetJobRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  SetRate(argument: _entrepot_v1_SetJobRateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  SetRate(argument: _entrepot_v1_SetJobRateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  SetRate(argument: _entrepot_v1_SetJobRateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  SetRate(argument: _entrepot_v1_SetJobRateRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  setRate(argument: _entrepot_v1_SetJobRateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  setRate(argument: _entrepot_v1_SetJobRateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  setRate(argument: _entrepot_v1_SetJobRateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  setRate(argument: _entrepot_v1_SetJobRateRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Job__Output>;
  Watch(argument: _entrepot_v1_GetJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Job__Output>;
  watch(argument: _entrepot_v1_GetJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Job__Output>;
  watch(argument: _entrepot_v1_GetJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Job__Output>;
  
}

export interface JobsHandlers extends grpc.UntypedServiceImplementation {
  Cancel: grpc.handleUnaryCall<_entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job>;
  
  Get: grpc.handleUnaryCall<_entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job>;
  
  List: grpc.handleUnaryCall<_entrepot_v1_ListJobsRequest__Output, _entrepot_v1_ListJobsReply>;
  
  Pause: grpc.handleUnaryCall<_entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job>;
  
  Resume: grpc.handleUnaryCall<_entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job>;
  
  SetRate: grpc.handleUnaryCall<_entrepot_v1_SetJobRateRequest__Output, _entrepot_v1_Job>;
  
  Watch: grpc.handleServerStreamingCall<_entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job>;
  
}

export interface JobsDefinition extends grpc.ServiceDefinition {
  Cancel: MethodDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_Job, _entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job__Output>
  Get: MethodDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_Job, _entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job__Output>
  List: MethodDefinition<_entrepot_v1_ListJobsRequest, _entrepot_v1_ListJobsReply, _entrepot_v1_ListJobsRequest__Output, _entrepot_v1_ListJobsReply__Output>
  Pause: MethodDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_Job, _entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job__Output>
  Resume: MethodDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_Job, _entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job__Output>
  SetRate: MethodDefinition<_entrepot_v1_SetJobRateRequest, _entrepot_v1_Job, _entrepot_v1_SetJobRateRequest__Output, _entrepot_v1_Job__Output>
  Watch: MethodDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_Job, _entrepot_v1_GetJobRequest__Output, _entrepot_v1_Job__Output>
}
