// Original file: proto/entrepot/v1/operators.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddOperatorRequest as _entrepot_v1_AddOperatorRequest, AddOperatorRequest__Output as _entrepot_v1_AddOperatorRequest__Output } from '../../entrepot/v1/AddOperatorRequest.ts';
import type { IssueCertificateRequest as _entrepot_v1_IssueCertificateRequest, IssueCertificateRequest__Output as _entrepot_v1_IssueCertificateRequest__Output } from '../../entrepot/v1/IssueCertificateRequest.ts';
import type { IssueTokenRequest as _entrepot_v1_IssueTokenRequest, IssueTokenRequest__Output as _entrepot_v1_IssueTokenRequest__Output } from '../../entrepot/v1/IssueTokenRequest.ts';
import type { IssuedCertificate as _entrepot_v1_IssuedCertificate, IssuedCertificate__Output as _entrepot_v1_IssuedCertificate__Output } from '../../entrepot/v1/IssuedCertificate.ts';
import type { IssuedToken as _entrepot_v1_IssuedToken, IssuedToken__Output as _entrepot_v1_IssuedToken__Output } from '../../entrepot/v1/IssuedToken.ts';
import type { ListOperatorsReply as _entrepot_v1_ListOperatorsReply, ListOperatorsReply__Output as _entrepot_v1_ListOperatorsReply__Output } from '../../entrepot/v1/ListOperatorsReply.ts';
import type { ListOperatorsRequest as _entrepot_v1_ListOperatorsRequest, ListOperatorsRequest__Output as _entrepot_v1_ListOperatorsRequest__Output } from '../../entrepot/v1/ListOperatorsRequest.ts';
import type { Operator as _entrepot_v1_Operator, Operator__Output as _entrepot_v1_Operator__Output } from '../../entrepot/v1/Operator.ts';
import type { RevokeOperatorRequest as _entrepot_v1_RevokeOperatorRequest, RevokeOperatorRequest__Output as _entrepot_v1_RevokeOperatorRequest__Output } from '../../entrepot/v1/RevokeOperatorRequest.ts';
import type { WhoAmIReply as _entrepot_v1_WhoAmIReply, WhoAmIReply__Output as _entrepot_v1_WhoAmIReply__Output } from '../../entrepot/v1/WhoAmIReply.ts';
import type { WhoAmIRequest as _entrepot_v1_WhoAmIRequest, WhoAmIRequest__Output as _entrepot_v1_WhoAmIRequest__Output } from '../../entrepot/v1/WhoAmIRequest.ts';

export interface OperatorsClient extends grpc.Client {
  Add(argument: _entrepot_v1_AddOperatorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddOperatorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddOperatorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Add(argument: _entrepot_v1_AddOperatorRequest, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddOperatorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddOperatorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddOperatorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  add(argument: _entrepot_v1_AddOperatorRequest, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  
  IssueCertificate(argument: _entrepot_v1_IssueCertificateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  IssueCertificate(argument: _entrepot_v1_IssueCertificateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  IssueCertificate(argument: _entrepot_v1_IssueCertificateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  IssueCertificate(argument: _entrepot_v1_IssueCertificateRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  issueCertificate(argument: _entrepot_v1_IssueCertificateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  issueCertificate(argument: _entrepot_v1_IssueCertificateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  issueCertificate(argument: _entrepot_v1_IssueCertificateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  issueCertificate(argument: _entrepot_v1_IssueCertificateRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  
  IssueToken(argument: _entrepot_v1_IssueTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  IssueToken(argument: _entrepot_v1_IssueTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  IssueToken(argument: _entrepot_v1_IssueTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  IssueToken(argument: _entrepot_v1_IssueTokenRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  issueToken(argument: _entrepot_v1_IssueTokenRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  issueToken(argument: _entrepot_v1_IssueTokenRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  issueToken(argument: _entrepot_v1_IssueTokenRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  issueToken(argument: _entrepot_v1_IssueTokenRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedToken__Output>): grpc.ClientUnaryCall;
  
  List(argument: _entrepot_v1_ListOperatorsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListOperatorsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListOperatorsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  List(argument: _entrepot_v1_ListOperatorsRequest, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListOperatorsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListOperatorsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListOperatorsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  list(argument: _entrepot_v1_ListOperatorsRequest, callback: grpc.requestCallback<_entrepot_v1_ListOperatorsReply__Output>): grpc.ClientUnaryCall;
  
  Revoke(argument: _entrepot_v1_RevokeOperatorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeOperatorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeOperatorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  Revoke(argument: _entrepot_v1_RevokeOperatorRequest, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeOperatorRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeOperatorRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeOperatorRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  revoke(argument: _entrepot_v1_RevokeOperatorRequest, callback: grpc.requestCallback<_entrepot_v1_Operator__Output>): grpc.ClientUnaryCall;
  
  WhoAmI(argument: _entrepot_v1_WhoAmIRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _entrepot_v1_WhoAmIRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _entrepot_v1_WhoAmIRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _entrepot_v1_WhoAmIRequest, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _entrepot_v1_WhoAmIRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _entrepot_v1_WhoAmIRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _entrepot_v1_WhoAmIRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _entrepot_v1_WhoAmIRequest, callback: grpc.requestCallback<_entrepot_v1_WhoAmIReply__Output>): grpc.ClientUnaryCall;
  
}

export interface OperatorsHandlers extends grpc.UntypedServiceImplementation {
  Add: grpc.handleUnaryCall<_entrepot_v1_AddOperatorRequest__Output, _entrepot_v1_Operator>;
  
  IssueCertificate: grpc.handleUnaryCall<_entrepot_v1_IssueCertificateRequest__Output, _entrepot_v1_IssuedCertificate>;
  
  IssueToken: grpc.handleUnaryCall<_entrepot_v1_IssueTokenRequest__Output, _entrepot_v1_IssuedToken>;
  
  List: grpc.handleUnaryCall<_entrepot_v1_ListOperatorsRequest__Output, _entrepot_v1_ListOperatorsReply>;
  
  Revoke: grpc.handleUnaryCall<_entrepot_v1_RevokeOperatorRequest__Output, _entrepot_v1_Operator>;
  
  WhoAmI: grpc.handleUnaryCall<_entrepot_v1_WhoAmIRequest__Output, _entrepot_v1_WhoAmIReply>;
  
}

export interface OperatorsDefinition extends grpc.ServiceDefinition {
  Add: MethodDefinition<_entrepot_v1_AddOperatorRequest, _entrepot_v1_Operator, _entrepot_v1_AddOperatorRequest__Output, _entrepot_v1_Operator__Output>
  IssueCertificate: MethodDefinition<_entrepot_v1_IssueCertificateRequest, _entrepot_v1_IssuedCertificate, _entrepot_v1_IssueCertificateRequest__Output, _entrepot_v1_IssuedCertificate__Output>
  IssueToken: MethodDefinition<_entrepot_v1_IssueTokenRequest, _entrepot_v1_IssuedToken, _entrepot_v1_IssueTokenRequest__Output, _entrepot_v1_IssuedToken__Output>
  List: MethodDefinition<_entrepot_v1_ListOperatorsRequest, _entrepot_v1_ListOperatorsReply, _entrepot_v1_ListOperatorsRequest__Output, _entrepot_v1_ListOperatorsReply__Output>
  Revoke: MethodDefinition<_entrepot_v1_RevokeOperatorRequest, _entrepot_v1_Operator, _entrepot_v1_RevokeOperatorRequest__Output, _entrepot_v1_Operator__Output>
  WhoAmI: MethodDefinition<_entrepot_v1_WhoAmIRequest, _entrepot_v1_WhoAmIReply, _entrepot_v1_WhoAmIRequest__Output, _entrepot_v1_WhoAmIReply__Output>
}
