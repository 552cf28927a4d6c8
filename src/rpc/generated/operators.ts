import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddOperatorRequest as _entrepot_v1_AddOperatorRequest, AddOperatorRequest__Output as _entrepot_v1_AddOperatorRequest__Output } from './entrepot/v1/AddOperatorRequest.ts';
import type { Credential as _entrepot_v1_Credential, Credential__Output as _entrepot_v1_Credential__Output } from './entrepot/v1/Credential.ts';
import type { EnrolmentClient as _entrepot_v1_EnrolmentClient, EnrolmentDefinition as _entrepot_v1_EnrolmentDefinition } from './entrepot/v1/Enrolment.ts';
import type { IssueCertificateRequest as _entrepot_v1_IssueCertificateRequest, IssueCertificateRequest__Output as _entrepot_v1_IssueCertificateRequest__Output } from './entrepot/v1/IssueCertificateRequest.ts';
import type { IssueTokenRequest as _entrepot_v1_IssueTokenRequest, IssueTokenRequest__Output as _entrepot_v1_IssueTokenRequest__Output } from './entrepot/v1/IssueTokenRequest.ts';
import type { IssuedCertificate as _entrepot_v1_IssuedCertificate, IssuedCertificate__Output as _entrepot_v1_IssuedCertificate__Output } from './entrepot/v1/IssuedCertificate.ts';
import type { IssuedToken as _entrepot_v1_IssuedToken, IssuedToken__Output as _entrepot_v1_IssuedToken__Output } from './entrepot/v1/IssuedToken.ts';
import type { JoinRequest as _entrepot_v1_JoinRequest, JoinRequest__Output as _entrepot_v1_JoinRequest__Output } from './entrepot/v1/JoinRequest.ts';
import type { ListOperatorsReply as _entrepot_v1_ListOperatorsReply, ListOperatorsReply__Output as _entrepot_v1_ListOperatorsReply__Output } from './entrepot/v1/ListOperatorsReply.ts';
import type { ListOperatorsRequest as _entrepot_v1_ListOperatorsRequest, ListOperatorsRequest__Output as _entrepot_v1_ListOperatorsRequest__Output } from './entrepot/v1/ListOperatorsRequest.ts';
import type { Operator as _entrepot_v1_Operator, Operator__Output as _entrepot_v1_Operator__Output } from './entrepot/v1/Operator.ts';
import type { OperatorsClient as _entrepot_v1_OperatorsClient, OperatorsDefinition as _entrepot_v1_OperatorsDefinition } from './entrepot/v1/Operators.ts';
import type { RenewRequest as _entrepot_v1_RenewRequest, RenewRequest__Output as _entrepot_v1_RenewRequest__Output } from './entrepot/v1/RenewRequest.ts';
import type { RevokeOperatorRequest as _entrepot_v1_RevokeOperatorRequest, RevokeOperatorRequest__Output as _entrepot_v1_RevokeOperatorRequest__Output } from './entrepot/v1/RevokeOperatorRequest.ts';
import type { WhoAmIReply as _entrepot_v1_WhoAmIReply, WhoAmIReply__Output as _entrepot_v1_WhoAmIReply__Output } from './entrepot/v1/WhoAmIReply.ts';
import type { WhoAmIRequest as _entrepot_v1_WhoAmIRequest, WhoAmIRequest__Output as _entrepot_v1_WhoAmIRequest__Output } from './entrepot/v1/WhoAmIRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      AddOperatorRequest: MessageTypeDefinition<_entrepot_v1_AddOperatorRequest, _entrepot_v1_AddOperatorRequest__Output>
      Credential: MessageTypeDefinition<_entrepot_v1_Credential, _entrepot_v1_Credential__Output>
      Enrolment: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_EnrolmentClient> & { service: _entrepot_v1_EnrolmentDefinition }
      IssueCertificateRequest: MessageTypeDefinition<_entrepot_v1_IssueCertificateRequest, _entrepot_v1_IssueCertificateRequest__Output>
      IssueTokenRequest: MessageTypeDefinition<_entrepot_v1_IssueTokenRequest, _entrepot_v1_IssueTokenRequest__Output>
      IssuedCertificate: MessageTypeDefinition<_entrepot_v1_IssuedCertificate, _entrepot_v1_IssuedCertificate__Output>
      IssuedToken: MessageTypeDefinition<_entrepot_v1_IssuedToken, _entrepot_v1_IssuedToken__Output>
      JoinRequest: MessageTypeDefinition<_entrepot_v1_JoinRequest, _entrepot_v1_JoinRequest__Output>
      ListOperatorsReply: MessageTypeDefinition<_entrepot_v1_ListOperatorsReply, _entrepot_v1_ListOperatorsReply__Output>
      ListOperatorsRequest: MessageTypeDefinition<_entrepot_v1_ListOperatorsRequest, _entrepot_v1_ListOperatorsRequest__Output>
      Operator: MessageTypeDefinition<_entrepot_v1_Operator, _entrepot_v1_Operator__Output>
      Operators: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_OperatorsClient> & { service: _entrepot_v1_OperatorsDefinition }
      RenewRequest: MessageTypeDefinition<_entrepot_v1_RenewRequest, _entrepot_v1_RenewRequest__Output>
      RevokeOperatorRequest: MessageTypeDefinition<_entrepot_v1_RevokeOperatorRequest, _entrepot_v1_RevokeOperatorRequest__Output>
      WhoAmIReply: MessageTypeDefinition<_entrepot_v1_WhoAmIReply, _entrepot_v1_WhoAmIReply__Output>
      WhoAmIRequest: MessageTypeDefinition<_entrepot_v1_WhoAmIRequest, _entrepot_v1_WhoAmIRequest__Output>
    }
  }
}

