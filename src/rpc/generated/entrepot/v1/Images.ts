// Original file: proto/entrepot/v1/images.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddMemberRequest as _entrepot_v1_AddMemberRequest, AddMemberRequest__Output as _entrepot_v1_AddMemberRequest__Output } from '../../entrepot/v1/AddMemberRequest.ts';
import type { BeginUploadRequest as _entrepot_v1_BeginUploadRequest, BeginUploadRequest__Output as _entrepot_v1_BeginUploadRequest__Output } from '../../entrepot/v1/BeginUploadRequest.ts';
import type { CopyImageReply as _entrepot_v1_CopyImageReply, CopyImageReply__Output as _entrepot_v1_CopyImageReply__Output } from '../../entrepot/v1/CopyImageReply.ts';
import type { CopyImageRequest as _entrepot_v1_CopyImageRequest, CopyImageRequest__Output as _entrepot_v1_CopyImageRequest__Output } from '../../entrepot/v1/CopyImageRequest.ts';
import type { CreateImageRequest as _entrepot_v1_CreateImageRequest, CreateImageRequest__Output as _entrepot_v1_CreateImageRequest__Output } from '../../entrepot/v1/CreateImageRequest.ts';
import type { DeactivateImageRequest as _entrepot_v1_DeactivateImageRequest, DeactivateImageRequest__Output as _entrepot_v1_DeactivateImageRequest__Output } from '../../entrepot/v1/DeactivateImageRequest.ts';
import type { DeleteCopyRequest as _entrepot_v1_DeleteCopyRequest, DeleteCopyRequest__Output as _entrepot_v1_DeleteCopyRequest__Output } from '../../entrepot/v1/DeleteCopyRequest.ts';
import type { DeleteImageRequest as _entrepot_v1_DeleteImageRequest, DeleteImageRequest__Output as _entrepot_v1_DeleteImageRequest__Output } from '../../entrepot/v1/DeleteImageRequest.ts';
import type { DownloadRequest as _entrepot_v1_DownloadRequest, DownloadRequest__Output as _entrepot_v1_DownloadRequest__Output } from '../../entrepot/v1/DownloadRequest.ts';
import type { ExamineAdoptReply as _entrepot_v1_ExamineAdoptReply, ExamineAdoptReply__Output as _entrepot_v1_ExamineAdoptReply__Output } from '../../entrepot/v1/ExamineAdoptReply.ts';
import type { ExamineAdoptRequest as _entrepot_v1_ExamineAdoptRequest, ExamineAdoptRequest__Output as _entrepot_v1_ExamineAdoptRequest__Output } from '../../entrepot/v1/ExamineAdoptRequest.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';
import type { GetImageRequest as _entrepot_v1_GetImageRequest, GetImageRequest__Output as _entrepot_v1_GetImageRequest__Output } from '../../entrepot/v1/GetImageRequest.ts';
import type { Image as _entrepot_v1_Image, Image__Output as _entrepot_v1_Image__Output } from '../../entrepot/v1/Image.ts';
import type { ImageMember as _entrepot_v1_ImageMember, ImageMember__Output as _entrepot_v1_ImageMember__Output } from '../../entrepot/v1/ImageMember.ts';
import type { ImportRequest as _entrepot_v1_ImportRequest, ImportRequest__Output as _entrepot_v1_ImportRequest__Output } from '../../entrepot/v1/ImportRequest.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from '../../entrepot/v1/Job.ts';
import type { ListAdoptableReply as _entrepot_v1_ListAdoptableReply, ListAdoptableReply__Output as _entrepot_v1_ListAdoptableReply__Output } from '../../entrepot/v1/ListAdoptableReply.ts';
import type { ListAdoptableRequest as _entrepot_v1_ListAdoptableRequest, ListAdoptableRequest__Output as _entrepot_v1_ListAdoptableRequest__Output } from '../../entrepot/v1/ListAdoptableRequest.ts';
import type { ListImagesReply as _entrepot_v1_ListImagesReply, ListImagesReply__Output as _entrepot_v1_ListImagesReply__Output } from '../../entrepot/v1/ListImagesReply.ts';
import type { ListImagesRequest as _entrepot_v1_ListImagesRequest, ListImagesRequest__Output as _entrepot_v1_ListImagesRequest__Output } from '../../entrepot/v1/ListImagesRequest.ts';
import type { ListLocationsReply as _entrepot_v1_ListLocationsReply, ListLocationsReply__Output as _entrepot_v1_ListLocationsReply__Output } from '../../entrepot/v1/ListLocationsReply.ts';
import type { ListLocationsRequest as _entrepot_v1_ListLocationsRequest, ListLocationsRequest__Output as _entrepot_v1_ListLocationsRequest__Output } from '../../entrepot/v1/ListLocationsRequest.ts';
import type { ListMembersReply as _entrepot_v1_ListMembersReply, ListMembersReply__Output as _entrepot_v1_ListMembersReply__Output } from '../../entrepot/v1/ListMembersReply.ts';
import type { ListMembersRequest as _entrepot_v1_ListMembersRequest, ListMembersRequest__Output as _entrepot_v1_ListMembersRequest__Output } from '../../entrepot/v1/ListMembersRequest.ts';
import type { ReactivateImageRequest as _entrepot_v1_ReactivateImageRequest, ReactivateImageRequest__Output as _entrepot_v1_ReactivateImageRequest__Output } from '../../entrepot/v1/ReactivateImageRequest.ts';
import type { RemoveMemberRequest as _entrepot_v1_RemoveMemberRequest, RemoveMemberRequest__Output as _entrepot_v1_RemoveMemberRequest__Output } from '../../entrepot/v1/RemoveMemberRequest.ts';
import type { SetMemberRequest as _entrepot_v1_SetMemberRequest, SetMemberRequest__Output as _entrepot_v1_SetMemberRequest__Output } from '../../entrepot/v1/SetMemberRequest.ts';
import type { StageRequest as _entrepot_v1_StageRequest, StageRequest__Output as _entrepot_v1_StageRequest__Output } from '../../entrepot/v1/StageRequest.ts';
import type { UpdateImageRequest as _entrepot_v1_UpdateImageRequest, UpdateImageRequest__Output as _entrepot_v1_UpdateImageRequest__Output } from '../../entrepot/v1/UpdateImageRequest.ts';
import type { UploadReply as _entrepot_v1_UploadReply, UploadReply__Output as _entrepot_v1_UploadReply__Output } from '../../entrepot/v1/UploadReply.ts';

export interface ImagesClient extends grpc.Client {
  AddMember(argument: _entrepot_v1_AddMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  AddMember(argument: _entrepot_v1_AddMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  AddMember(argument: _entrepot_v1_AddMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  AddMember(argument: _entrepot_v1_AddMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  addMember(argument: _entrepot_v1_AddMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  addMember(argument: _entrepot_v1_AddMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  addMember(argument: _entrepot_v1_AddMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  addMember(argument: _entrepot_v1_AddMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  
  BeginUpload(argument: _entrepot_v1_BeginUploadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  BeginUpload(argument: _entrepot_v1_BeginUploadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  BeginUpload(argument: _entrepot_v1_BeginUploadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  BeginUpload(argument: _entrepot_v1_BeginUploadRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  beginUpload(argument: _entrepot_v1_BeginUploadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  beginUpload(argument: _entrepot_v1_BeginUploadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  beginUpload(argument: _entrepot_v1_BeginUploadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  beginUpload(argument: _entrepot_v1_BeginUploadRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Copy(argument: _entrepot_v1_CopyImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  Copy(argument: _entrepot_v1_CopyImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  Copy(argument: _entrepot_v1_CopyImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  Copy(argument: _entrepot_v1_CopyImageRequest, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  copy(argument: _entrepot_v1_CopyImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  copy(argument: _entrepot_v1_CopyImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  copy(argument: _entrepot_v1_CopyImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  copy(argument: _entrepot_v1_CopyImageRequest, callback: grpc.requestCallback<_entrepot_v1_CopyImageReply__Output>): grpc.ClientUnaryCall;
  
  Create(argument: _entrepot_v1_CreateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Create(argument: _entrepot_v1_CreateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Create(argument: _entrepot_v1_CreateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Create(argument: _entrepot_v1_CreateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  create(argument: _entrepot_v1_CreateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  create(argument: _entrepot_v1_CreateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  create(argument: _entrepot_v1_CreateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  create(argument: _entrepot_v1_CreateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  Deactivate(argument: _entrepot_v1_DeactivateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Deactivate(argument: _entrepot_v1_DeactivateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Deactivate(argument: _entrepot_v1_DeactivateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Deactivate(argument: _entrepot_v1_DeactivateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  deactivate(argument: _entrepot_v1_DeactivateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  deactivate(argument: _entrepot_v1_DeactivateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  deactivate(argument: _entrepot_v1_DeactivateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  deactivate(argument: _entrepot_v1_DeactivateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _entrepot_v1_DeleteImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Delete(argument: _entrepot_v1_DeleteImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Delete(argument: _entrepot_v1_DeleteImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Delete(argument: _entrepot_v1_DeleteImageRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  delete(argument: _entrepot_v1_DeleteImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  delete(argument: _entrepot_v1_DeleteImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  delete(argument: _entrepot_v1_DeleteImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  delete(argument: _entrepot_v1_DeleteImageRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  DeleteCopy(argument: _entrepot_v1_DeleteCopyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  DeleteCopy(argument: _entrepot_v1_DeleteCopyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  DeleteCopy(argument: _entrepot_v1_DeleteCopyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  DeleteCopy(argument: _entrepot_v1_DeleteCopyRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  deleteCopy(argument: _entrepot_v1_DeleteCopyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  deleteCopy(argument: _entrepot_v1_DeleteCopyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  deleteCopy(argument: _entrepot_v1_DeleteCopyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  deleteCopy(argument: _entrepot_v1_DeleteCopyRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Download(argument: _entrepot_v1_DownloadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  Download(argument: _entrepot_v1_DownloadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  download(argument: _entrepot_v1_DownloadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  download(argument: _entrepot_v1_DownloadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  
  ExamineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  ExamineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  ExamineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  ExamineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  examineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  examineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  examineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  examineAdopt(argument: _entrepot_v1_ExamineAdoptRequest, callback: grpc.requestCallback<_entrepot_v1_ExamineAdoptReply__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  Import(argument: _entrepot_v1_ImportRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Import(argument: _entrepot_v1_ImportRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Import(argument: _entrepot_v1_ImportRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Import(argument: _entrepot_v1_ImportRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  import(argument: _entrepot_v1_ImportRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  import(argument: _entrepot_v1_ImportRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  import(argument: _entrepot_v1_ImportRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  import(argument: _entrepot_v1_ImportRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  List(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  
  ListAdoptable(argument: _entrepot_v1_ListAdoptableRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  ListAdoptable(argument: _entrepot_v1_ListAdoptableRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  ListAdoptable(argument: _entrepot_v1_ListAdoptableRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  ListAdoptable(argument: _entrepot_v1_ListAdoptableRequest, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  listAdoptable(argument: _entrepot_v1_ListAdoptableRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  listAdoptable(argument: _entrepot_v1_ListAdoptableRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  listAdoptable(argument: _entrepot_v1_ListAdoptableRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  listAdoptable(argument: _entrepot_v1_ListAdoptableRequest, callback: grpc.requestCallback<_entrepot_v1_ListAdoptableReply__Output>): grpc.ClientUnaryCall;
  
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  
  ListMembers(argument: _entrepot_v1_ListMembersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  ListMembers(argument: _entrepot_v1_ListMembersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  ListMembers(argument: _entrepot_v1_ListMembersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  ListMembers(argument: _entrepot_v1_ListMembersRequest, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  listMembers(argument: _entrepot_v1_ListMembersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  listMembers(argument: _entrepot_v1_ListMembersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  listMembers(argument: _entrepot_v1_ListMembersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  listMembers(argument: _entrepot_v1_ListMembersRequest, callback: grpc.requestCallback<_entrepot_v1_ListMembersReply__Output>): grpc.ClientUnaryCall;
  
  Reactivate(argument: _entrepot_v1_ReactivateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Reactivate(argument: _entrepot_v1_ReactivateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Reactivate(argument: _entrepot_v1_ReactivateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Reactivate(argument: _entrepot_v1_ReactivateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  reactivate(argument: _entrepot_v1_ReactivateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  reactivate(argument: _entrepot_v1_ReactivateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  reactivate(argument: _entrepot_v1_ReactivateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  reactivate(argument: _entrepot_v1_ReactivateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  RemoveMember(argument: _entrepot_v1_RemoveMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  RemoveMember(argument: _entrepot_v1_RemoveMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  RemoveMember(argument: _entrepot_v1_RemoveMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  RemoveMember(argument: _entrepot_v1_RemoveMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  removeMember(argument: _entrepot_v1_RemoveMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  removeMember(argument: _entrepot_v1_RemoveMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  removeMember(argument: _entrepot_v1_RemoveMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  removeMember(argument: _entrepot_v1_RemoveMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  
  SetMember(argument: _entrepot_v1_SetMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  SetMember(argument: _entrepot_v1_SetMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  SetMember(argument: _entrepot_v1_SetMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  SetMember(argument: _entrepot_v1_SetMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  setMember(argument: _entrepot_v1_SetMemberRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  setMember(argument: _entrepot_v1_SetMemberRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  setMember(argument: _entrepot_v1_SetMemberRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  setMember(argument: _entrepot_v1_SetMemberRequest, callback: grpc.requestCallback<_entrepot_v1_ImageMember__Output>): grpc.ClientUnaryCall;
  
  Stage(argument: _entrepot_v1_StageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Stage(argument: _entrepot_v1_StageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Stage(argument: _entrepot_v1_StageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  Stage(argument: _entrepot_v1_StageRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  stage(argument: _entrepot_v1_StageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  stage(argument: _entrepot_v1_StageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  stage(argument: _entrepot_v1_StageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  stage(argument: _entrepot_v1_StageRequest, callback: grpc.requestCallback<_entrepot_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _entrepot_v1_UpdateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Update(argument: _entrepot_v1_UpdateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Update(argument: _entrepot_v1_UpdateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Update(argument: _entrepot_v1_UpdateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  update(argument: _entrepot_v1_UpdateImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  update(argument: _entrepot_v1_UpdateImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  update(argument: _entrepot_v1_UpdateImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  update(argument: _entrepot_v1_UpdateImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  Upload(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_Frame, _entrepot_v1_UploadReply__Output>;
  Upload(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_Frame, _entrepot_v1_UploadReply__Output>;
  upload(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_Frame, _entrepot_v1_UploadReply__Output>;
  upload(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_Frame, _entrepot_v1_UploadReply__Output>;
  
}

export interface ImagesHandlers extends grpc.UntypedServiceImplementation {
  AddMember: grpc.handleUnaryCall<_entrepot_v1_AddMemberRequest__Output, _entrepot_v1_ImageMember>;
  
  BeginUpload: grpc.handleUnaryCall<_entrepot_v1_BeginUploadRequest__Output, _entrepot_v1_Job>;
  
  Copy: grpc.handleUnaryCall<_entrepot_v1_CopyImageRequest__Output, _entrepot_v1_CopyImageReply>;
  
  Create: grpc.handleUnaryCall<_entrepot_v1_CreateImageRequest__Output, _entrepot_v1_Image>;
  
  Deactivate: grpc.handleUnaryCall<_entrepot_v1_DeactivateImageRequest__Output, _entrepot_v1_Image>;
  
  Delete: grpc.handleUnaryCall<_entrepot_v1_DeleteImageRequest__Output, _entrepot_v1_Job>;
  
  DeleteCopy: grpc.handleUnaryCall<_entrepot_v1_DeleteCopyRequest__Output, _entrepot_v1_Job>;
  
  Download: grpc.handleServerStreamingCall<_entrepot_v1_DownloadRequest__Output, _entrepot_v1_Frame>;
  
  ExamineAdopt: grpc.handleUnaryCall<_entrepot_v1_ExamineAdoptRequest__Output, _entrepot_v1_ExamineAdoptReply>;
  
  Get: grpc.handleUnaryCall<_entrepot_v1_GetImageRequest__Output, _entrepot_v1_Image>;
  
  Import: grpc.handleUnaryCall<_entrepot_v1_ImportRequest__Output, _entrepot_v1_Job>;
  
  List: grpc.handleUnaryCall<_entrepot_v1_ListImagesRequest__Output, _entrepot_v1_ListImagesReply>;
  
  ListAdoptable: grpc.handleUnaryCall<_entrepot_v1_ListAdoptableRequest__Output, _entrepot_v1_ListAdoptableReply>;
  
  ListLocations: grpc.handleUnaryCall<_entrepot_v1_ListLocationsRequest__Output, _entrepot_v1_ListLocationsReply>;
  
  ListMembers: grpc.handleUnaryCall<_entrepot_v1_ListMembersRequest__Output, _entrepot_v1_ListMembersReply>;
  
  Reactivate: grpc.handleUnaryCall<_entrepot_v1_ReactivateImageRequest__Output, _entrepot_v1_Image>;
  
  RemoveMember: grpc.handleUnaryCall<_entrepot_v1_RemoveMemberRequest__Output, _entrepot_v1_ImageMember>;
  
  SetMember: grpc.handleUnaryCall<_entrepot_v1_SetMemberRequest__Output, _entrepot_v1_ImageMember>;
  
  Stage: grpc.handleUnaryCall<_entrepot_v1_StageRequest__Output, _entrepot_v1_Job>;
  
  Update: grpc.handleUnaryCall<_entrepot_v1_UpdateImageRequest__Output, _entrepot_v1_Image>;
  
  Upload: grpc.handleBidiStreamingCall<_entrepot_v1_Frame__Output, _entrepot_v1_UploadReply>;
  
}

export interface ImagesDefinition extends grpc.ServiceDefinition {
  AddMember: MethodDefinition<_entrepot_v1_AddMemberRequest, _entrepot_v1_ImageMember, _entrepot_v1_AddMemberRequest__Output, _entrepot_v1_ImageMember__Output>
  BeginUpload: MethodDefinition<_entrepot_v1_BeginUploadRequest, _entrepot_v1_Job, _entrepot_v1_BeginUploadRequest__Output, _entrepot_v1_Job__Output>
  Copy: MethodDefinition<_entrepot_v1_CopyImageRequest, _entrepot_v1_CopyImageReply, _entrepot_v1_CopyImageRequest__Output, _entrepot_v1_CopyImageReply__Output>
  Create: MethodDefinition<_entrepot_v1_CreateImageRequest, _entrepot_v1_Image, _entrepot_v1_CreateImageRequest__Output, _entrepot_v1_Image__Output>
  Deactivate: MethodDefinition<_entrepot_v1_DeactivateImageRequest, _entrepot_v1_Image, _entrepot_v1_DeactivateImageRequest__Output, _entrepot_v1_Image__Output>
  Delete: MethodDefinition<_entrepot_v1_DeleteImageRequest, _entrepot_v1_Job, _entrepot_v1_DeleteImageRequest__Output, _entrepot_v1_Job__Output>
  DeleteCopy: MethodDefinition<_entrepot_v1_DeleteCopyRequest, _entrepot_v1_Job, _entrepot_v1_DeleteCopyRequest__Output, _entrepot_v1_Job__Output>
  Download: MethodDefinition<_entrepot_v1_DownloadRequest, _entrepot_v1_Frame, _entrepot_v1_DownloadRequest__Output, _entrepot_v1_Frame__Output>
  ExamineAdopt: MethodDefinition<_entrepot_v1_ExamineAdoptRequest, _entrepot_v1_ExamineAdoptReply, _entrepot_v1_ExamineAdoptRequest__Output, _entrepot_v1_ExamineAdoptReply__Output>
  Get: MethodDefinition<_entrepot_v1_GetImageRequest, _entrepot_v1_Image, _entrepot_v1_GetImageRequest__Output, _entrepot_v1_Image__Output>
  Import: MethodDefinition<_entrepot_v1_ImportRequest, _entrepot_v1_Job, _entrepot_v1_ImportRequest__Output, _entrepot_v1_Job__Output>
  List: MethodDefinition<_entrepot_v1_ListImagesRequest, _entrepot_v1_ListImagesReply, _entrepot_v1_ListImagesRequest__Output, _entrepot_v1_ListImagesReply__Output>
  ListAdoptable: MethodDefinition<_entrepot_v1_ListAdoptableRequest, _entrepot_v1_ListAdoptableReply, _entrepot_v1_ListAdoptableRequest__Output, _entrepot_v1_ListAdoptableReply__Output>
  ListLocations: MethodDefinition<_entrepot_v1_ListLocationsRequest, _entrepot_v1_ListLocationsReply, _entrepot_v1_ListLocationsRequest__Output, _entrepot_v1_ListLocationsReply__Output>
  ListMembers: MethodDefinition<_entrepot_v1_ListMembersRequest, _entrepot_v1_ListMembersReply, _entrepot_v1_ListMembersRequest__Output, _entrepot_v1_ListMembersReply__Output>
  Reactivate: MethodDefinition<_entrepot_v1_ReactivateImageRequest, _entrepot_v1_Image, _entrepot_v1_ReactivateImageRequest__Output, _entrepot_v1_Image__Output>
  RemoveMember: MethodDefinition<_entrepot_v1_RemoveMemberRequest, _entrepot_v1_ImageMember, _entrepot_v1_RemoveMemberRequest__Output, _entrepot_v1_ImageMember__Output>
  SetMember: MethodDefinition<_entrepot_v1_SetMemberRequest, _entrepot_v1_ImageMember, _entrepot_v1_SetMemberRequest__Output, _entrepot_v1_ImageMember__Output>
  Stage: MethodDefinition<_entrepot_v1_StageRequest, _entrepot_v1_Job, _entrepot_v1_StageRequest__Output, _entrepot_v1_Job__Output>
  Update: MethodDefinition<_entrepot_v1_UpdateImageRequest, _entrepot_v1_Image, _entrepot_v1_UpdateImageRequest__Output, _entrepot_v1_Image__Output>
  Upload: MethodDefinition<_entrepot_v1_Frame, _entrepot_v1_UploadReply, _entrepot_v1_Frame__Output, _entrepot_v1_UploadReply__Output>
}
