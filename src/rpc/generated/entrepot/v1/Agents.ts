// Original file: proto/entrepot/v1/agents.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _entrepot_v1_AgentMessage, AgentMessage__Output as _entrepot_v1_AgentMessage__Output } from '../../entrepot/v1/AgentMessage.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';
import type { GetManifestRequest as _entrepot_v1_GetManifestRequest, GetManifestRequest__Output as _entrepot_v1_GetManifestRequest__Output } from '../../entrepot/v1/GetManifestRequest.ts';
import type { HubMessage as _entrepot_v1_HubMessage, HubMessage__Output as _entrepot_v1_HubMessage__Output } from '../../entrepot/v1/HubMessage.ts';
import type { ManifestPiece as _entrepot_v1_ManifestPiece, ManifestPiece__Output as _entrepot_v1_ManifestPiece__Output } from '../../entrepot/v1/ManifestPiece.ts';
import type { PullUploadRequest as _entrepot_v1_PullUploadRequest, PullUploadRequest__Output as _entrepot_v1_PullUploadRequest__Output } from '../../entrepot/v1/PullUploadRequest.ts';
import type { PutManifestReply as _entrepot_v1_PutManifestReply, PutManifestReply__Output as _entrepot_v1_PutManifestReply__Output } from '../../entrepot/v1/PutManifestReply.ts';

export interface AgentsClient extends grpc.Client {
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_AgentMessage, _entrepot_v1_HubMessage__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_AgentMessage, _entrepot_v1_HubMessage__Output>;
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_AgentMessage, _entrepot_v1_HubMessage__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_entrepot_v1_AgentMessage, _entrepot_v1_HubMessage__Output>;
  
  GetManifest(argument: _entrepot_v1_GetManifestRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_ManifestPiece__Output>;
  GetManifest(argument: _entrepot_v1_GetManifestRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_ManifestPiece__Output>;
  getManifest(argument: _entrepot_v1_GetManifestRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_ManifestPiece__Output>;
  getManifest(argument: _entrepot_v1_GetManifestRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_ManifestPiece__Output>;
  
  PullUpload(argument: _entrepot_v1_PullUploadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  PullUpload(argument: _entrepot_v1_PullUploadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pullUpload(argument: _entrepot_v1_PullUploadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  pullUpload(argument: _entrepot_v1_PullUploadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_entrepot_v1_Frame__Output>;
  
  PutManifest(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  PutManifest(metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  PutManifest(options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  PutManifest(callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  putManifest(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  putManifest(metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  putManifest(options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  putManifest(callback: grpc.requestCallback<_entrepot_v1_PutManifestReply__Output>): grpc.ClientWritableStream<_entrepot_v1_ManifestPiece>;
  
}

export interface AgentsHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleBidiStreamingCall<_entrepot_v1_AgentMessage__Output, _entrepot_v1_HubMessage>;
  
  GetManifest: grpc.handleServerStreamingCall<_entrepot_v1_GetManifestRequest__Output, _entrepot_v1_ManifestPiece>;
  
  PullUpload: grpc.handleServerStreamingCall<_entrepot_v1_PullUploadRequest__Output, _entrepot_v1_Frame>;
  
  PutManifest: grpc.handleClientStreamingCall<_entrepot_v1_ManifestPiece__Output, _entrepot_v1_PutManifestReply>;
  
}

export interface AgentsDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_entrepot_v1_AgentMessage, _entrepot_v1_HubMessage, _entrepot_v1_AgentMessage__Output, _entrepot_v1_HubMessage__Output>
  GetManifest: MethodDefinition<_entrepot_v1_GetManifestRequest, _entrepot_v1_ManifestPiece, _entrepot_v1_GetManifestRequest__Output, _entrepot_v1_ManifestPiece__Output>
  PullUpload: MethodDefinition<_entrepot_v1_PullUploadRequest, _entrepot_v1_Frame, _entrepot_v1_PullUploadRequest__Output, _entrepot_v1_Frame__Output>
  PutManifest: MethodDefinition<_entrepot_v1_ManifestPiece, _entrepot_v1_PutManifestReply, _entrepot_v1_ManifestPiece__Output, _entrepot_v1_PutManifestReply__Output>
}
