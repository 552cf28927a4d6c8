// Original file: proto/entrepot/v1/agents.proto


export interface ResultKept {
  'taskId'?: (string);
  'attempt'?: (number);
}

export interface ResultKept__Output {
  'taskId': (string);
  'attempt': (number);
}
