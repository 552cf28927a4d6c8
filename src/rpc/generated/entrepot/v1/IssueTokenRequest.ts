// Original file: proto/entrepot/v1/operators.proto


export interface IssueTokenRequest {
  'name'?: (string);
  'lifetimeSeconds'?: (number);
}

export interface IssueTokenRequest__Output {
  'name': (string);
  'lifetimeSeconds': (number);
}
