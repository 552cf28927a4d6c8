// Original file: proto/entrepot/v1/operators.proto

import type { Credential as _entrepot_v1_Credential, Credential__Output as _entrepot_v1_Credential__Output } from '../../entrepot/v1/Credential.ts';
import type { Long } from '@grpc/proto-loader';

export interface Operator {
  'name'?: (string);
  'role'?: (string);
  'createdAtMs'?: (number | string | Long);
  'revokedAtMs'?: (number | string | Long);
  'credentials'?: (_entrepot_v1_Credential)[];
}

export interface Operator__Output {
  'name': (string);
  'role': (string);
  'createdAtMs': (number);
  'revokedAtMs': (number);
  'credentials': (_entrepot_v1_Credential__Output)[];
}
