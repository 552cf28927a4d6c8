// Original file: proto/entrepot/v1/operators.proto

import type { Credential as _entrepot_v1_Credential, Credential__Output as _entrepot_v1_Credential__Output } from '../../entrepot/v1/Credential.ts';

export interface IssuedToken {
  'token'?: (string);
  'credential'?: (_entrepot_v1_Credential | null);
  'authorities'?: (string);
}

export interface IssuedToken__Output {
  'token': (string);
  'credential': (_entrepot_v1_Credential__Output | null);
  'authorities': (string);
}
