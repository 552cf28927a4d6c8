// Original file: proto/entrepot/v1/images.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BeginUploadRequest as _entrepot_v1_BeginUploadRequest, BeginUploadRequest__Output as _entrepot_v1_BeginUploadRequest__Output } from '../../entrepot/v1/BeginUploadRequest.ts';
import type { CopyImageReply as _entrepot_v1_CopyImageReply, CopyImageReply__Output as _entrepot_v1_CopyImageReply__Output } from '../../entrepot/v1/CopyImageReply.ts';
import type { CopyImageRequest as _entrepot_v1_CopyImageRequest, CopyImageRequest__Output as _entrepot_v1_CopyImageRequest__Output } from '../../entrepot/v1/CopyImageRequest.ts';
import type { CreateImageRequest as _entrepot_v1_CreateImageRequest, CreateImageRequest__Output as _entrepot_v1_CreateImageRequest__Output } from '../../entrepot/v1/CreateImageRequest.ts';
import type { DeleteCopyRequest as _entrepot_v1_DeleteCopyRequest, DeleteCopyRequest__Output as _entrepot_v1_DeleteCopyRequest__Output } from '../../entrepot/v1/DeleteCopyRequest.ts';
import type { DeleteImageRequest as _entrepot_v1_DeleteImageRequest, DeleteImageRequest__Output as _entrepot_v1_DeleteImageRequest__Output } from '../../entrepot/v1/DeleteImageRequest.ts';
import type { DownloadRequest as _entrepot_v1_DownloadRequest, DownloadRequest__Output as _entrepot_v1_DownloadRequest__Output } from '../../entrepot/v1/DownloadRequest.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';
import type { GetImageRequest as _entrepot_v1_GetImageRequest, GetImageRequest__Output as _entrepot_v1_GetImageRequest__Output } from '../../entrepot/v1/GetImageRequest.ts';
import type { Image as _entrepot_v1_Image, Image__Output as _entrepot_v1_Image__Output } from '../../entrepot/v1/Image.ts';
import type { Job as _entrepot_v1_Job, Job__Output as _entrepot_v1_Job__Output } from '../../entrepot/v1/Job.ts';
import type { ListImagesReply as _entrepot_v1_ListImagesReply, ListImagesReply__Output as _entrepot_v1_ListImagesReply__Output } from '../../entrepot/v1/ListImagesReply.ts';
import type { ListImagesRequest as _entrepot_v1_ListImagesRequest, ListImagesRequest__Output as _entrepot_v1_ListImagesRequest__Output } from '../../entrepot/v1/ListImagesRequest.ts';
import type { ListLocationsReply as _entrepot_v1_ListLocationsReply, ListLocationsReply__Output as _entrepot_v1_ListLocationsReply__Output } from '../../entrepot/v1/ListLocationsReply.ts';
import type { ListLocationsRequest as _entrepot_v1_ListLocationsRequest, ListLocationsRequest__Output as _entrepot_v1_ListLocationsRequest__Output } from '../../entrepot/v1/ListLocationsRequest.ts';
import type { UploadReply as _entrepot_v1_UploadReply, UploadReply__Output as _entrepot_v1_UploadReply__Output } from '../../entrepot/v1/UploadReply.ts';

export interface ImagesClient extends grpc.Client {
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
  
  Get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  Get(argument: _entrepot_v1_GetImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  get(argument: _entrepot_v1_GetImageRequest, callback: grpc.requestCallback<_entrepot_v1_Image__Output>): grpc.ClientUnaryCall;
  
  List(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListImagesRequest, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListImagesRequest, callback: grpc.requestCallback<_entrepot_v1_ListImagesReply__Output>): grpc.ClientUnaryCall;
  
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  ListLocations(argument: _entrepot_v1_ListLocationsRequest, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  listLocations(argument: _entrepot_v1_ListLocationsRequest, callback: grpc.requestCallback<_entrepot_v1_ListLocationsReply__Output>): grpc.ClientUnaryCall;
  
  Upload(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  Upload(metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  Upload(options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  Upload(callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  upload(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  upload(metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  upload(options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  upload(callback: grpc.requestCallback<_entrepot_v1_UploadReply__Output>): grpc.ClientWritableStream<_entrepot_v1_Frame>;
  
}

export interface ImagesHandlers extends grpc.UntypedServiceImplementation {
  BeginUpload: grpc.handleUnaryCall<_entrepot_v1_BeginUploadRequest__Output, _entrepot_v1_Job>;
  
  Copy: grpc.handleUnaryCall<_entrepot_v1_CopyImageRequest__Output, _entrepot_v1_CopyImageReply>;
  
  Create: grpc.handleUnaryCall<_entrepot_v1_CreateImageRequest__Output, _entrepot_v1_Image>;
  
  Delete: grpc.handleUnaryCall<_entrepot_v1_DeleteImageRequest__Output, _entrepot_v1_Job>;
  
  DeleteCopy: grpc.handleUnaryCall<_entrepot_v1_DeleteCopyRequest__Output, _entrepot_v1_Job>;
  
  Download: grpc.handleServerStreamingCall<_entrepot_v1_DownloadRequest__Output, _entrepot_v1_Frame>;
  
  Get: grpc.handleUnaryCall<_entrepot_v1_GetImageRequest__Output, _entrepot_v1_Image>;
  
  List: grpc.handleUnaryCall<_entrepot_v1_ListImagesRequest__Output, _entrepot_v1_ListImagesReply>;
  
  ListLocations: grpc.handleUnaryCall<_entrepot_v1_ListLocationsRequest__Output, _entrepot_v1_ListLocationsReply>;
  
  Upload: grpc.handleClientStreamingCall<_entrepot_v1_Frame__Output, _entrepot_v1_UploadReply>;
  
}

export interface ImagesDefinition extends grpc.ServiceDefinition {
  BeginUpload: MethodDefinition<_entrepot_v1_BeginUploadRequest, _entrepot_v1_Job, _entrepot_v1_BeginUploadRequest__Output, _entrepot_v1_Job__Output>
  Copy: MethodDefinition<_entrepot_v1_CopyImageRequest, _entrepot_v1_CopyImageReply, _entrepot_v1_CopyImageRequest__Output, _entrepot_v1_CopyImageReply__Output>
  Create: MethodDefinition<_entrepot_v1_CreateImageRequest, _entrepot_v1_Image, _entrepot_v1_CreateImageRequest__Output, _entrepot_v1_Image__Output>
  Delete: MethodDefinition<_entrepot_v1_DeleteImageRequest, _entrepot_v1_Job, _entrepot_v1_DeleteImageRequest__Output, _entrepot_v1_Job__Output>
  DeleteCopy: MethodDefinition<_entrepot_v1_DeleteCopyRequest, _entrepot_v1_Job, _entrepot_v1_DeleteCopyRequest__Output, _entrepot_v1_Job__Output>
  Download: MethodDefinition<_entrepot_v1_DownloadRequest, _entrepot_v1_Frame, _entrepot_v1_DownloadRequest__Output, _entrepot_v1_Frame__Output>
  Get: MethodDefinition<_entrepot_v1_GetImageRequest, _entrepot_v1_Image, _entrepot_v1_GetImageRequest__Output, _entrepot_v1_Image__Output>
  List: MethodDefinition<_entrepot_v1_ListImagesRequest, _entrepot_v1_ListImagesReply, _entrepot_v1_ListImagesRequest__Output, _entrepot_v1_ListImagesReply__Output>
  ListLocations: MethodDefinition<_entrepot_v1_ListLocationsRequest, _entrepot_v1_ListLocationsReply, _entrepot_v1_ListLocationsRequest__Output, _entrepot_v1_ListLocationsReply__Output>
  Upload: MethodDefinition<_entrepot_v1_Frame, _entrepot_v1_UploadReply, _entrepot_v1_Frame__Output, _entrepot_v1_UploadReply__Output>
}
