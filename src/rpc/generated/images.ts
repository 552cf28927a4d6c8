import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddMemberRequest as _entrepot_v1_AddMemberRequest, AddMemberRequest__Output as _entrepot_v1_AddMemberRequest__Output } from './entrepot/v1/AddMemberRequest.ts';
import type { Adopt as _entrepot_v1_Adopt, Adopt__Output as _entrepot_v1_Adopt__Output } from './entrepot/v1/Adopt.ts';
import type { BeginUploadRequest as _entrepot_v1_BeginUploadRequest, BeginUploadRequest__Output as _entrepot_v1_BeginUploadRequest__Output } from './entrepot/v1/BeginUploadRequest.ts';
import type { ChunkRun as _entrepot_v1_ChunkRun, ChunkRun__Output as _entrepot_v1_ChunkRun__Output } from './entrepot/v1/ChunkRun.ts';
import type { Copy as _entrepot_v1_Copy, Copy__Output as _entrepot_v1_Copy__Output } from './entrepot/v1/Copy.ts';
import type { CopyImageReply as _entrepot_v1_CopyImageReply, CopyImageReply__Output as _entrepot_v1_CopyImageReply__Output } from './entrepot/v1/CopyImageReply.ts';
import type { CopyImageRequest as _entrepot_v1_CopyImageRequest, CopyImageRequest__Output as _entrepot_v1_CopyImageRequest__Output } from './entrepot/v1/CopyImageRequest.ts';
import type { CreateImageRequest as _entrepot_v1_CreateImageRequest, CreateImageRequest__Output as _entrepot_v1_CreateImageRequest__Output } from './entrepot/v1/CreateImageRequest.ts';
import type { DeactivateImageRequest as _entrepot_v1_DeactivateImageRequest, DeactivateImageRequest__Output as _entrepot_v1_DeactivateImageRequest__Output } from './entrepot/v1/DeactivateImageRequest.ts';
import type { DeleteCopyRequest as _entrepot_v1_DeleteCopyRequest, DeleteCopyRequest__Output as _entrepot_v1_DeleteCopyRequest__Output } from './entrepot/v1/DeleteCopyRequest.ts';
import type { DeleteImageRequest as _entrepot_v1_DeleteImageRequest, DeleteImageRequest__Output as _entrepot_v1_DeleteImageRequest__Output } from './entrepot/v1/DeleteImageRequest.ts';
import type { DownloadRequest as _entrepot_v1_DownloadRequest, DownloadRequest__Output as _entrepot_v1_DownloadRequest__Output } from './entrepot/v1/DownloadRequest.ts';
import type { ExamineAdoptReply as _entrepot_v1_ExamineAdoptReply, ExamineAdoptReply__Output as _entrepot_v1_ExamineAdoptReply__Output } from './entrepot/v1/ExamineAdoptReply.ts';
import type { ExamineAdoptRequest as _entrepot_v1_ExamineAdoptRequest, ExamineAdoptRequest__Output as _entrepot_v1_ExamineAdoptRequest__Output } from './entrepot/v1/ExamineAdoptRequest.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from './entrepot/v1/Frame.ts';
import type { GetImageRequest as _entrepot_v1_GetImageRequest, GetImageRequest__Output as _entrepot_v1_GetImageRequest__Output } from './entrepot/v1/GetImageRequest.ts';
import type { GetJobRequest as _entrepot_v1_GetJobRequest, GetJobRequest__Output as _entrepot_v1_GetJobRequest__Output } from './entrepot/v1/GetJobRequest.ts';
import type { GlanceDirect as _entrepot_v1_GlanceDirect, GlanceDirect__Output as _entrepot_v1_GlanceDirect__Output } from './entrepot/v1/GlanceDirect.ts';
import type { Image as _entrepot_v1_Image, Image__Output as _entrepot_v1_Image__Output } from './entrepot/v1/Image.ts';
import type { ImageMember as _entrepot_v1_ImageMember, ImageMember__Output as _entrepot_v1_ImageMember__Output } from './entrepot/v1/ImageMember.ts';
import type { ImagesClient as _entrepot_v1_ImagesClient, ImagesDefinition as _entrepot_v1_ImagesDefinition } from './entrepot/v1/Images.ts';
import type { ImportRequest as _entrepot_v1_ImportRequest, ImportRequest__Output as _entrepot_v1_ImportRequest__Output } from './entrepot/v1/ImportRequest.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from './entrepot/v1/Job.ts';
import type { JobAhead as _entrepot_v1_JobAhead, JobAhead__Output as _entrepot_v1_JobAhead__Output } from './entrepot/v1/JobAhead.ts';
import type { JobsClient as _entrepot_v1_JobsClient, JobsDefinition as _entrepot_v1_JobsDefinition } from './entrepot/v1/Jobs.ts';
import type { ListAdoptableReply as _entrepot_v1_ListAdoptableReply, ListAdoptableReply__Output as _entrepot_v1_ListAdoptableReply__Output } from './entrepot/v1/ListAdoptableReply.ts';
import type { ListAdoptableRequest as _entrepot_v1_ListAdoptableRequest, ListAdoptableRequest__Output as _entrepot_v1_ListAdoptableRequest__Output } from './entrepot/v1/ListAdoptableRequest.ts';
import type { ListImagesReply as _entrepot_v1_ListImagesReply, ListImagesReply__Output as _entrepot_v1_ListImagesReply__Output } from './entrepot/v1/ListImagesReply.ts';
import type { ListImagesRequest as _entrepot_v1_ListImagesRequest, ListImagesRequest__Output as _entrepot_v1_ListImagesRequest__Output } from './entrepot/v1/ListImagesRequest.ts';
import type { ListJobsReply as _entrepot_v1_ListJobsReply, ListJobsReply__Output as _entrepot_v1_ListJobsReply__Output } from './entrepot/v1/ListJobsReply.ts';
import type { ListJobsRequest as _entrepot_v1_ListJobsRequest, ListJobsRequest__Output as _entrepot_v1_ListJobsRequest__Output } from './entrepot/v1/ListJobsRequest.ts';
import type { ListLocationsReply as _entrepot_v1_ListLocationsReply, ListLocationsReply__Output as _entrepot_v1_ListLocationsReply__Output } from './entrepot/v1/ListLocationsReply.ts';
import type { ListLocationsRequest as _entrepot_v1_ListLocationsRequest, ListLocationsRequest__Output as _entrepot_v1_ListLocationsRequest__Output } from './entrepot/v1/ListLocationsRequest.ts';
import type { ListMembersReply as _entrepot_v1_ListMembersReply, ListMembersReply__Output as _entrepot_v1_ListMembersReply__Output } from './entrepot/v1/ListMembersReply.ts';
import type { ListMembersRequest as _entrepot_v1_ListMembersRequest, ListMembersRequest__Output as _entrepot_v1_ListMembersRequest__Output } from './entrepot/v1/ListMembersRequest.ts';
import type { Location as _entrepot_v1_Location, Location__Output as _entrepot_v1_Location__Output } from './entrepot/v1/Location.ts';
import type { Progress as _entrepot_v1_Progress, Progress__Output as _entrepot_v1_Progress__Output } from './entrepot/v1/Progress.ts';
import type { PullRequest as _entrepot_v1_PullRequest, PullRequest__Output as _entrepot_v1_PullRequest__Output } from './entrepot/v1/PullRequest.ts';
import type { PushHello as _entrepot_v1_PushHello, PushHello__Output as _entrepot_v1_PushHello__Output } from './entrepot/v1/PushHello.ts';
import type { PushMessage as _entrepot_v1_PushMessage, PushMessage__Output as _entrepot_v1_PushMessage__Output } from './entrepot/v1/PushMessage.ts';
import type { ReactivateImageRequest as _entrepot_v1_ReactivateImageRequest, ReactivateImageRequest__Output as _entrepot_v1_ReactivateImageRequest__Output } from './entrepot/v1/ReactivateImageRequest.ts';
import type { RemoveMemberRequest as _entrepot_v1_RemoveMemberRequest, RemoveMemberRequest__Output as _entrepot_v1_RemoveMemberRequest__Output } from './entrepot/v1/RemoveMemberRequest.ts';
import type { RenewTicketReply as _entrepot_v1_RenewTicketReply, RenewTicketReply__Output as _entrepot_v1_RenewTicketReply__Output } from './entrepot/v1/RenewTicketReply.ts';
import type { RenewTicketRequest as _entrepot_v1_RenewTicketRequest, RenewTicketRequest__Output as _entrepot_v1_RenewTicketRequest__Output } from './entrepot/v1/RenewTicketRequest.ts';
import type { SetJobRateRequest as _entrepot_v1_SetJobRateRequest, SetJobRateRequest__Output as _entrepot_v1_SetJobRateRequest__Output } from './entrepot/v1/SetJobRateRequest.ts';
import type { SetMemberRequest as _entrepot_v1_SetMemberRequest, SetMemberRequest__Output as _entrepot_v1_SetMemberRequest__Output } from './entrepot/v1/SetMemberRequest.ts';
import type { StageRequest as _entrepot_v1_StageRequest, StageRequest__Output as _entrepot_v1_StageRequest__Output } from './entrepot/v1/StageRequest.ts';
import type { Task as _entrepot_v1_Task, Task__Output as _entrepot_v1_Task__Output } from './entrepot/v1/Task.ts';
import type { TaskTotals as _entrepot_v1_TaskTotals, TaskTotals__Output as _entrepot_v1_TaskTotals__Output } from './entrepot/v1/TaskTotals.ts';
import type { Traffic as _entrepot_v1_Traffic, Traffic__Output as _entrepot_v1_Traffic__Output } from './entrepot/v1/Traffic.ts';
import type { TransferClient as _entrepot_v1_TransferClient, TransferDefinition as _entrepot_v1_TransferDefinition } from './entrepot/v1/Transfer.ts';
import type { UpdateImageRequest as _entrepot_v1_UpdateImageRequest, UpdateImageRequest__Output as _entrepot_v1_UpdateImageRequest__Output } from './entrepot/v1/UpdateImageRequest.ts';
import type { UploadReply as _entrepot_v1_UploadReply, UploadReply__Output as _entrepot_v1_UploadReply__Output } from './entrepot/v1/UploadReply.ts';
import type { UploadedBefore as _entrepot_v1_UploadedBefore, UploadedBefore__Output as _entrepot_v1_UploadedBefore__Output } from './entrepot/v1/UploadedBefore.ts';
import type { WebDownload as _entrepot_v1_WebDownload, WebDownload__Output as _entrepot_v1_WebDownload__Output } from './entrepot/v1/WebDownload.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      AddMemberRequest: MessageTypeDefinition<_entrepot_v1_AddMemberRequest, _entrepot_v1_AddMemberRequest__Output>
      Adopt: MessageTypeDefinition<_entrepot_v1_Adopt, _entrepot_v1_Adopt__Output>
      BeginUploadRequest: MessageTypeDefinition<_entrepot_v1_BeginUploadRequest, _entrepot_v1_BeginUploadRequest__Output>
      ChunkRun: MessageTypeDefinition<_entrepot_v1_ChunkRun, _entrepot_v1_ChunkRun__Output>
      Copy: MessageTypeDefinition<_entrepot_v1_Copy, _entrepot_v1_Copy__Output>
      CopyImageReply: MessageTypeDefinition<_entrepot_v1_CopyImageReply, _entrepot_v1_CopyImageReply__Output>
      CopyImageRequest: MessageTypeDefinition<_entrepot_v1_CopyImageRequest, _entrepot_v1_CopyImageRequest__Output>
      CreateImageRequest: MessageTypeDefinition<_entrepot_v1_CreateImageRequest, _entrepot_v1_CreateImageRequest__Output>
      DeactivateImageRequest: MessageTypeDefinition<_entrepot_v1_DeactivateImageRequest, _entrepot_v1_DeactivateImageRequest__Output>
      DeleteCopyRequest: MessageTypeDefinition<_entrepot_v1_DeleteCopyRequest, _entrepot_v1_DeleteCopyRequest__Output>
      DeleteImageRequest: MessageTypeDefinition<_entrepot_v1_DeleteImageRequest, _entrepot_v1_DeleteImageRequest__Output>
      DownloadRequest: MessageTypeDefinition<_entrepot_v1_DownloadRequest, _entrepot_v1_DownloadRequest__Output>
      ExamineAdoptReply: MessageTypeDefinition<_entrepot_v1_ExamineAdoptReply, _entrepot_v1_ExamineAdoptReply__Output>
      ExamineAdoptRequest: MessageTypeDefinition<_entrepot_v1_ExamineAdoptRequest, _entrepot_v1_ExamineAdoptRequest__Output>
      Frame: MessageTypeDefinition<_entrepot_v1_Frame, _entrepot_v1_Frame__Output>
      GetImageRequest: MessageTypeDefinition<_entrepot_v1_GetImageRequest, _entrepot_v1_GetImageRequest__Output>
      GetJobRequest: MessageTypeDefinition<_entrepot_v1_GetJobRequest, _entrepot_v1_GetJobRequest__Output>
      GlanceDirect: MessageTypeDefinition<_entrepot_v1_GlanceDirect, _entrepot_v1_GlanceDirect__Output>
      Image: MessageTypeDefinition<_entrepot_v1_Image, _entrepot_v1_Image__Output>
      ImageMember: MessageTypeDefinition<_entrepot_v1_ImageMember, _entrepot_v1_ImageMember__Output>
      Images: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_ImagesClient> & { service: _entrepot_v1_ImagesDefinition }
      ImportRequest: MessageTypeDefinition<_entrepot_v1_ImportRequest, _entrepot_v1_ImportRequest__Output>
      Job: MessageTypeDefinition<_entrepot_v1_Job, _entrepot_v1_Job__Output>
      JobAhead: MessageTypeDefinition<_entrepot_v1_JobAhead, _entrepot_v1_JobAhead__Output>
      Jobs: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_JobsClient> & { service: _entrepot_v1_JobsDefinition }
      ListAdoptableReply: MessageTypeDefinition<_entrepot_v1_ListAdoptableReply, _entrepot_v1_ListAdoptableReply__Output>
      ListAdoptableRequest: MessageTypeDefinition<_entrepot_v1_ListAdoptableRequest, _entrepot_v1_ListAdoptableRequest__Output>
      ListImagesReply: MessageTypeDefinition<_entrepot_v1_ListImagesReply, _entrepot_v1_ListImagesReply__Output>
      ListImagesRequest: MessageTypeDefinition<_entrepot_v1_ListImagesRequest, _entrepot_v1_ListImagesRequest__Output>
      ListJobsReply: MessageTypeDefinition<_entrepot_v1_ListJobsReply, _entrepot_v1_ListJobsReply__Output>
      ListJobsRequest: MessageTypeDefinition<_entrepot_v1_ListJobsRequest, _entrepot_v1_ListJobsRequest__Output>
      ListLocationsReply: MessageTypeDefinition<_entrepot_v1_ListLocationsReply, _entrepot_v1_ListLocationsReply__Output>
      ListLocationsRequest: MessageTypeDefinition<_entrepot_v1_ListLocationsRequest, _entrepot_v1_ListLocationsRequest__Output>
      ListMembersReply: MessageTypeDefinition<_entrepot_v1_ListMembersReply, _entrepot_v1_ListMembersReply__Output>
      ListMembersRequest: MessageTypeDefinition<_entrepot_v1_ListMembersRequest, _entrepot_v1_ListMembersRequest__Output>
      Location: MessageTypeDefinition<_entrepot_v1_Location, _entrepot_v1_Location__Output>
      Progress: MessageTypeDefinition<_entrepot_v1_Progress, _entrepot_v1_Progress__Output>
      PullRequest: MessageTypeDefinition<_entrepot_v1_PullRequest, _entrepot_v1_PullRequest__Output>
      PushHello: MessageTypeDefinition<_entrepot_v1_PushHello, _entrepot_v1_PushHello__Output>
      PushMessage: MessageTypeDefinition<_entrepot_v1_PushMessage, _entrepot_v1_PushMessage__Output>
      ReactivateImageRequest: MessageTypeDefinition<_entrepot_v1_ReactivateImageRequest, _entrepot_v1_ReactivateImageRequest__Output>
      RemoveMemberRequest: MessageTypeDefinition<_entrepot_v1_RemoveMemberRequest, _entrepot_v1_RemoveMemberRequest__Output>
      RenewTicketReply: MessageTypeDefinition<_entrepot_v1_RenewTicketReply, _entrepot_v1_RenewTicketReply__Output>
      RenewTicketRequest: MessageTypeDefinition<_entrepot_v1_RenewTicketRequest, _entrepot_v1_RenewTicketRequest__Output>
      SetJobRateRequest: MessageTypeDefinition<_entrepot_v1_SetJobRateRequest, _entrepot_v1_SetJobRateRequest__Output>
      SetMemberRequest: MessageTypeDefinition<_entrepot_v1_SetMemberRequest, _entrepot_v1_SetMemberRequest__Output>
      StageRequest: MessageTypeDefinition<_entrepot_v1_StageRequest, _entrepot_v1_StageRequest__Output>
      Task: MessageTypeDefinition<_entrepot_v1_Task, _entrepot_v1_Task__Output>
      TaskTotals: MessageTypeDefinition<_entrepot_v1_TaskTotals, _entrepot_v1_TaskTotals__Output>
      Traffic: MessageTypeDefinition<_entrepot_v1_Traffic, _entrepot_v1_Traffic__Output>
      Transfer: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_TransferClient> & { service: _entrepot_v1_TransferDefinition }
      UpdateImageRequest: MessageTypeDefinition<_entrepot_v1_UpdateImageRequest, _entrepot_v1_UpdateImageRequest__Output>
      UploadReply: MessageTypeDefinition<_entrepot_v1_UploadReply, _entrepot_v1_UploadReply__Output>
      UploadedBefore: MessageTypeDefinition<_entrepot_v1_UploadedBefore, _entrepot_v1_UploadedBefore__Output>
      WebDownload: MessageTypeDefinition<_entrepot_v1_WebDownload, _entrepot_v1_WebDownload__Output>
    }
  }
}

