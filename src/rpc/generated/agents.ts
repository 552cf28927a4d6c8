import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdoptSource as _entrepot_v1_AdoptSource, AdoptSource__Output as _entrepot_v1_AdoptSource__Output } from './entrepot/v1/AdoptSource.ts';
import type { AgentMessage as _entrepot_v1_AgentMessage, AgentMessage__Output as _entrepot_v1_AgentMessage__Output } from './entrepot/v1/AgentMessage.ts';
import type { AgentsClient as _entrepot_v1_AgentsClient, AgentsDefinition as _entrepot_v1_AgentsDefinition } from './entrepot/v1/Agents.ts';
import type { Answer as _entrepot_v1_Answer, Answer__Output as _entrepot_v1_Answer__Output } from './entrepot/v1/Answer.ts';
import type { Assignment as _entrepot_v1_Assignment, Assignment__Output as _entrepot_v1_Assignment__Output } from './entrepot/v1/Assignment.ts';
import type { CancelTask as _entrepot_v1_CancelTask, CancelTask__Output as _entrepot_v1_CancelTask__Output } from './entrepot/v1/CancelTask.ts';
import type { ChunkRun as _entrepot_v1_ChunkRun, ChunkRun__Output as _entrepot_v1_ChunkRun__Output } from './entrepot/v1/ChunkRun.ts';
import type { Copied as _entrepot_v1_Copied, Copied__Output as _entrepot_v1_Copied__Output } from './entrepot/v1/Copied.ts';
import type { CopyWork as _entrepot_v1_CopyWork, CopyWork__Output as _entrepot_v1_CopyWork__Output } from './entrepot/v1/CopyWork.ts';
import type { DeleteWork as _entrepot_v1_DeleteWork, DeleteWork__Output as _entrepot_v1_DeleteWork__Output } from './entrepot/v1/DeleteWork.ts';
import type { Deleted as _entrepot_v1_Deleted, Deleted__Output as _entrepot_v1_Deleted__Output } from './entrepot/v1/Deleted.ts';
import type { Discard as _entrepot_v1_Discard, Discard__Output as _entrepot_v1_Discard__Output } from './entrepot/v1/Discard.ts';
import type { Examined as _entrepot_v1_Examined, Examined__Output as _entrepot_v1_Examined__Output } from './entrepot/v1/Examined.ts';
import type { Failure as _entrepot_v1_Failure, Failure__Output as _entrepot_v1_Failure__Output } from './entrepot/v1/Failure.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from './entrepot/v1/Frame.ts';
import type { GetJobRequest as _entrepot_v1_GetJobRequest, GetJobRequest__Output as _entrepot_v1_GetJobRequest__Output } from './entrepot/v1/GetJobRequest.ts';
import type { GetManifestRequest as _entrepot_v1_GetManifestRequest, GetManifestRequest__Output as _entrepot_v1_GetManifestRequest__Output } from './entrepot/v1/GetManifestRequest.ts';
import type { Heartbeat as _entrepot_v1_Heartbeat, Heartbeat__Output as _entrepot_v1_Heartbeat__Output } from './entrepot/v1/Heartbeat.ts';
import type { Hello as _entrepot_v1_Hello, Hello__Output as _entrepot_v1_Hello__Output } from './entrepot/v1/Hello.ts';
import type { HubMessage as _entrepot_v1_HubMessage, HubMessage__Output as _entrepot_v1_HubMessage__Output } from './entrepot/v1/HubMessage.ts';
import type { Ingest as _entrepot_v1_Ingest, Ingest__Output as _entrepot_v1_Ingest__Output } from './entrepot/v1/Ingest.ts';
import type { Ingested as _entrepot_v1_Ingested, Ingested__Output as _entrepot_v1_Ingested__Output } from './entrepot/v1/Ingested.ts';
import type { Inventory as _entrepot_v1_Inventory, Inventory__Output as _entrepot_v1_Inventory__Output } from './entrepot/v1/Inventory.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from './entrepot/v1/Job.ts';
import type { JobAhead as _entrepot_v1_JobAhead, JobAhead__Output as _entrepot_v1_JobAhead__Output } from './entrepot/v1/JobAhead.ts';
import type { JobPace as _entrepot_v1_JobPace, JobPace__Output as _entrepot_v1_JobPace__Output } from './entrepot/v1/JobPace.ts';
import type { JobsClient as _entrepot_v1_JobsClient, JobsDefinition as _entrepot_v1_JobsDefinition } from './entrepot/v1/Jobs.ts';
import type { ListJobsReply as _entrepot_v1_ListJobsReply, ListJobsReply__Output as _entrepot_v1_ListJobsReply__Output } from './entrepot/v1/ListJobsReply.ts';
import type { ListJobsRequest as _entrepot_v1_ListJobsRequest, ListJobsRequest__Output as _entrepot_v1_ListJobsRequest__Output } from './entrepot/v1/ListJobsRequest.ts';
import type { ManifestPiece as _entrepot_v1_ManifestPiece, ManifestPiece__Output as _entrepot_v1_ManifestPiece__Output } from './entrepot/v1/ManifestPiece.ts';
import type { Pacing as _entrepot_v1_Pacing, Pacing__Output as _entrepot_v1_Pacing__Output } from './entrepot/v1/Pacing.ts';
import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from './entrepot/v1/Progress.ts';
import type { PullRequest as _entrepot_v1_PullRequest, PullRequest__Output as _entrepot_v1_PullRequest__Output } from './entrepot/v1/PullRequest.ts';
import type { PullUploadRequest as _entrepot_v1_PullUploadRequest, PullUploadRequest__Output as _entrepot_v1_PullUploadRequest__Output } from './entrepot/v1/PullUploadRequest.ts';
import type { PushHello as _entrepot_v1_PushHello, PushHello__Output as _entrepot_v1_PushHello__Output } from './entrepot/v1/PushHello.ts';
import type { PushMessage as _entrepot_v1_PushMessage, PushMessage__Output as _entrepot_v1_PushMessage__Output } from './entrepot/v1/PushMessage.ts';
import type { PutManifestReply as _entrepot_v1_PutManifestReply, PutManifestReply__Output as _entrepot_v1_PutManifestReply__Output } from './entrepot/v1/PutManifestReply.ts';
import type { Question as _entrepot_v1_Question, Question__Output as _entrepot_v1_Question__Output } from './entrepot/v1/Question.ts';
import type { RenewTicketReply as _entrepot_v1_RenewTicketReply, RenewTicketReply__Output as _entrepot_v1_RenewTicketReply__Output } from './entrepot/v1/RenewTicketReply.ts';
import type { RenewTicketRequest as _entrepot_v1_RenewTicketRequest, RenewTicketRequest__Output as _entrepot_v1_RenewTicketRequest__Output } from './entrepot/v1/RenewTicketRequest.ts';
import type { RenewedTicket as _entrepot_v1_RenewedTicket, RenewedTicket__Output as _entrepot_v1_RenewedTicket__Output } from './entrepot/v1/RenewedTicket.ts';
import type { ResultKept as _entrepot_v1_ResultKept, ResultKept__Output as _entrepot_v1_ResultKept__Output } from './entrepot/v1/ResultKept.ts';
import type { Serve as _entrepot_v1_Serve, Serve__Output as _entrepot_v1_Serve__Output } from './entrepot/v1/Serve.ts';
import type { SetJobRateRequest as _entrepot_v1_SetJobRateRequest, SetJobRateRequest__Output as _entrepot_v1_SetJobRateRequest__Output } from './entrepot/v1/SetJobRateRequest.ts';
import type { StageWork as _entrepot_v1_StageWork, StageWork__Output as _entrepot_v1_StageWork__Output } from './entrepot/v1/StageWork.ts';
import type { Staged as _entrepot_v1_Staged, Staged__Output as _entrepot_v1_Staged__Output } from './entrepot/v1/Staged.ts';
import type { StagedSource as _entrepot_v1_StagedSource, StagedSource__Output as _entrepot_v1_StagedSource__Output } from './entrepot/v1/StagedSource.ts';
import type { StorePace as _entrepot_v1_StorePace, StorePace__Output as _entrepot_v1_StorePace__Output } from './entrepot/v1/StorePace.ts';
import type { StoreRevoked as _entrepot_v1_StoreRevoked, StoreRevoked__Output as _entrepot_v1_StoreRevoked__Output } from './entrepot/v1/StoreRevoked.ts';
import type { StoredImage as _entrepot_v1_StoredImage, StoredImage__Output as _entrepot_v1_StoredImage__Output } from './entrepot/v1/StoredImage.ts';
import type { Task as _entrepot_v1_Task, Task__Output as _entrepot_v1_Task__Output } from './entrepot/v1/Task.ts';
import type { TaskAttempt as _entrepot_v1_TaskAttempt, TaskAttempt__Output as _entrepot_v1_TaskAttempt__Output } from './entrepot/v1/TaskAttempt.ts';
import type { TaskProgress as _entrepot_v1_TaskProgress, TaskProgress__Output as _entrepot_v1_TaskProgress__Output } from './entrepot/v1/TaskProgress.ts';
import type { TaskResult as _entrepot_v1_TaskResult, TaskResult__Output as _entrepot_v1_TaskResult__Output } from './entrepot/v1/TaskResult.ts';
import type { TaskTotals as _entrepot_v1_TaskTotals, TaskTotals__Output as _entrepot_v1_TaskTotals__Output } from './entrepot/v1/TaskTotals.ts';
import type { Traffic as _entrepot_v1_Traffic, Traffic__Output as _entrepot_v1_Traffic__Output } from './entrepot/v1/Traffic.ts';
import type { TransferClient as _entrepot_v1_TransferClient, TransferDefinition as _entrepot_v1_TransferDefinition } from './entrepot/v1/Transfer.ts';
import type { WebSource as _entrepot_v1_WebSource, WebSource__Output as _entrepot_v1_WebSource__Output } from './entrepot/v1/WebSource.ts';
import type { Welcome as _entrepot_v1_Welcome, Welcome__Output as _entrepot_v1_Welcome__Output } from './entrepot/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      AdoptSource: MessageTypeDefinition<_entrepot_v1_AdoptSource, _entrepot_v1_AdoptSource__Output>
      AgentMessage: MessageTypeDefinition<_entrepot_v1_AgentMessage, _entrepot_v1_AgentMessage__Output>
      Agents: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_AgentsClient> & { service: _entrepot_v1_AgentsDefinition }
      Answer: MessageTypeDefinition<_entrepot_v1_Answer, _entrepot_v1_Answer__Output>
      Assignment: MessageTypeDefinition<_entrepot_v1_Assignment, _entrepot_v1_Assignment__Output>
      CancelTask: MessageTypeDefinition<_entrepot_v1_CancelTask, _entrepot_v1_CancelTask__Output>
      ChunkRun: MessageTypeDefinition<_entrepot_v1_ChunkRun, _entrepot_v1_ChunkRun__Output>
      Copied: MessageTypeDefinition<_entrepot_v1_Copied, _entrepot_v1_Copied__Output>
      CopyWork: MessageTypeDefinition<_entrepot_v1_CopyWork, _entrepot_v1_CopyWork__Output>
      DeleteWork: MessageTypeDefinition<_entrepot_v1_DeleteWork, _entrepot_v1_DeleteWork__Output>
      Deleted: MessageTypeDefinition<_entrepot_v1_Deleted, _entrepot_v1_Deleted__Output>
      Discard: MessageTypeDefinition<_entrepot_v1_Discard, _entrepot_v1_Discard__Output>
      Examined: MessageTypeDefinition<_entrepot_v1_Examined, _entrepot_v1_Examined__Output>
      Failure: MessageTypeDefinition<_entrepot_v1_Failure, _entrepot_v1_Failure__Output>
      Frame: MessageTypeDefinition<_entrepot_v1_Frame, _entrepot_v1_Frame__Output>
      GetJobRequest: MessageTypeDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_GetJobRequest__Output>
      GetManifestRequest: MessageTypeDefinition<_entrepot_v1_GetManifestRequest, _entrepot_v1_GetManifestRequest__Output>
      Heartbeat: MessageTypeDefinition<_entrepot_v1_Heartbeat, _entrepot_v1_Heartbeat__Output>
      Hello: MessageTypeDefinition<_entrepot_v1_Hello, _entrepot_v1_Hello__Output>
      HubMessage: MessageTypeDefinition<_entrepot_v1_HubMessage, _entrepot_v1_HubMessage__Output>
      Ingest: MessageTypeDefinition<_entrepot_v1_Ingest, _entrepot_v1_Ingest__Output>
      Ingested: MessageTypeDefinition<_entrepot_v1_Ingested, _entrepot_v1_Ingested__Output>
      Inventory: MessageTypeDefinition<_entrepot_v1_Inventory, _entrepot_v1_Inventory__Output>
      Job: MessageTypeDefinition<_entrepot_v1_Job, _entrepot_v1_Job__Output>
      JobAhead: MessageTypeDefinition<_entrepot_v1_JobAhead, _entrepot_v1_JobAhead__Output>
      JobPace: MessageTypeDefinition<_entrepot_v1_JobPace, _entrepot_v1_JobPace__Output>
      Jobs: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_JobsClient> & { service: _entrepot_v1_JobsDefinition }
      ListJobsReply: MessageTypeDefinition<_entrepot_v1_ListJobsReply, _entrepot_v1_ListJobsReply__Output>
      ListJobsRequest: MessageTypeDefinition<_entrepot_v1_ListJobsRequest, _entrepot_v1_ListJobsRequest__Output>
      ManifestPiece: MessageTypeDefinition<_entrepot_v1_ManifestPiece, _entrepot_v1_ManifestPiece__Output>
      Pacing: MessageTypeDefinition<_entrepot_v1_Pacing, _entrepot_v1_Pacing__Output>
      Progress: MessageTypeDefinition<_entrepot_v1_Progress, _entrepot_v1_Progress__Output>
      PullRequest: MessageTypeDefinition<_entrepot_v1_PullRequest, _entrepot_v1_PullRequest__Output>
      PullUploadRequest: MessageTypeDefinition<_entrepot_v1_PullUploadRequest, _entrepot_v1_PullUploadRequest__Output>
      PushHello: MessageTypeDefinition<_entrepot_v1_PushHello, _entrepot_v1_PushHello__Output>
      PushMessage: MessageTypeDefinition<_entrepot_v1_PushMessage, _entrepot_v1_PushMessage__Output>
      PutManifestReply: MessageTypeDefinition<_entrepot_v1_PutManifestReply, _entrepot_v1_PutManifestReply__Output>
      Question: MessageTypeDefinition<_entrepot_v1_Question, _entrepot_v1_Question__Output>
      RenewTicketReply: MessageTypeDefinition<_entrepot_v1_RenewTicketReply, _entrepot_v1_RenewTicketReply__Output>
      RenewTicketRequest: MessageTypeDefinition<_entrepot_v1_RenewTicketRequest, _entrepot_v1_RenewTicketRequest__Output>
      RenewedTicket: MessageTypeDefinition<_entrepot_v1_RenewedTicket, _entrepot_v1_RenewedTicket__Output>
      ResultKept: MessageTypeDefinition<_entrepot_v1_ResultKept, _entrepot_v1_ResultKept__Output>
      Serve: MessageTypeDefinition<_entrepot_v1_Serve, _entrepot_v1_Serve__Output>
      SetJobRateRequest: MessageTypeDefinition<_entrepot_v1_SetJobRateRequest, _entrepot_v1_SetJobRateRequest__Output>
      StageWork: MessageTypeDefinition<_entrepot_v1_StageWork, _entrepot_v1_StageWork__Output>
      Staged: MessageTypeDefinition<_entrepot_v1_Staged, _entrepot_v1_Staged__Output>
      StagedSource: MessageTypeDefinition<_entrepot_v1_StagedSource, _entrepot_v1_StagedSource__Output>
      StorePace: MessageTypeDefinition<_entrepot_v1_StorePace, _entrepot_v1_StorePace__Output>
      StoreRevoked: MessageTypeDefinition<_entrepot_v1_StoreRevoked, _entrepot_v1_StoreRevoked__Output>
      StoredImage: MessageTypeDefinition<_entrepot_v1_StoredImage, _entrepot_v1_StoredImage__Output>
      Task: MessageTypeDefinition<_entrepot_v1_Task, _entrepot_v1_Task__Output>
      TaskAttempt: MessageTypeDefinition<_entrepot_v1_TaskAttempt, _entrepot_v1_TaskAttempt__Output>
      TaskProgress: MessageTypeDefinition<_entrepot_v1_TaskProgress, _entrepot_v1_TaskProgress__Output>
      TaskResult: MessageTypeDefinition<_entrepot_v1_TaskResult, _entrepot_v1_TaskResult__Output>
      TaskTotals: MessageTypeDefinition<_entrepot_v1_TaskTotals, _entrepot_v1_TaskTotals__Output>
      Traffic: MessageTypeDefinition<_entrepot_v1_Traffic, _entrepot_v1_Traffic__Output>
      Transfer: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_TransferClient> & { service: _entrepot_v1_TransferDefinition }
      WebSource: MessageTypeDefinition<_entrepot_v1_WebSource, _entrepot_v1_WebSource__Output>
      Welcome: MessageTypeDefinition<_entrepot_v1_Welcome, _entrepot_v1_Welcome__Output>
    }
  }
}

