import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { EnrolmentClient as _entrepot_v1_EnrolmentClient, EnrolmentDefinition as _entrepot_v1_EnrolmentDefinition } from './entrepot/v1/Enrolment.ts';
import type { IssuedCertificate as _entrepot_v1_IssuedCertificate, IssuedCertificate__Output as _entrepot_v1_IssuedCertificate__Output } from './entrepot/v1/IssuedCertificate.ts';
import type { JoinRequest as _entrepot_v1_JoinRequest, JoinRequest__Output as _entrepot_v1_JoinRequest__Output } from './entrepot/v1/JoinRequest.ts';
import type { RenewRequest as _entrepot_v1_RenewRequest, RenewRequest__Output as _entrepot_v1_RenewRequest__Output } from './entrepot/v1/RenewRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  entrepot: {
    v1: {
      Enrolment: SubtypeConstructor<typeof grpc.Client, _entrepot_v1_EnrolmentClient> & { service: _entrepot_v1_EnrolmentDefinition }
      IssuedCertificate: MessageTypeDefinition<_entrepot_v1_IssuedCertificate, _entrepot_v1_IssuedCertificate__Output>
      JoinRequest: MessageTypeDefinition<_entrepot_v1_JoinRequest, _entrepot_v1_JoinRequest__Output>
      RenewRequest: MessageTypeDefinition<_entrepot_v1_RenewRequest, _entrepot_v1_RenewRequest__Output>
    }
  }
}

