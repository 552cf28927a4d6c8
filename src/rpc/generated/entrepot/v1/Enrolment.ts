// Original file: proto/entrepot/v1/enrolment.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { IssuedCertificate as _entrepot_v1_IssuedCertificate, IssuedCertificate__Output as _entrepot_v1_IssuedCertificate__Output } from '../../entrepot/v1/IssuedCertificate.ts';
import type { JoinRequest as _entrepot_v1_JoinRequest, JoinRequest__Output as _entrepot_v1_JoinRequest__Output } from '../../entrepot/v1/JoinRequest.ts';
import type { RenewRequest as _entrepot_v1_RenewRequest, RenewRequest__Output as _entrepot_v1_RenewRequest__Output } from '../../entrepot/v1/RenewRequest.ts';

export interface EnrolmentClient extends grpc.Client {
  Join(argument: _entrepot_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _entrepot_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _entrepot_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _entrepot_v1_JoinRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _entrepot_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _entrepot_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _entrepot_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  join(argument: _entrepot_v1_JoinRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  
  Renew(argument: _entrepot_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _entrepot_v1_RenewRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _entrepot_v1_RenewRequest, callback: grpc.requestCallback<_entrepot_v1_IssuedCertificate__Output>): grpc.ClientUnaryCall;
  
}

export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  Join: grpc.handleUnaryCall<_entrepot_v1_JoinRequest__Output, _entrepot_v1_IssuedCertificate>;
  
  Renew: grpc.handleUnaryCall<_entrepot_v1_RenewRequest__Output, _entrepot_v1_IssuedCertificate>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Join: MethodDefinition<_entrepot_v1_JoinRequest, _entrepot_v1_IssuedCertificate, _entrepot_v1_JoinRequest__Output, _entrepot_v1_IssuedCertificate__Output>
  Renew: MethodDefinition<_entrepot_v1_RenewRequest, _entrepot_v1_IssuedCertificate, _entrepot_v1_RenewRequest__Output, _entrepot_v1_IssuedCertificate__Output>
}
