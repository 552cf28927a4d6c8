// Original file: proto/entrepot/v1/operators.proto


export interface RevokeOperatorRequest {
  'name'?: (string);
  'credentialId'?: (string);
}

export interface RevokeOperatorRequest__Output {
  'name': (string);
  'credentialId': (string);
}
