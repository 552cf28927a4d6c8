// Original file: proto/entrepot/v1/agents.proto


export interface Failure {
  'code'?: (string);
  'message'?: (string);
  'hint'?: (string);
}

export interface Failure__Output {
  'code': (string);
  'message': (string);
  'hint': (string);
}
