// Original file: proto/entrepot/v1/operators.proto


export interface WhoAmIReply {
  'subject'?: (string);
  'role'?: (string);
}

export interface WhoAmIReply__Output {
  'subject': (string);
  'role': (string);
}
