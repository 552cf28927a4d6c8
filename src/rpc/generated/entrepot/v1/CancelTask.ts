// Original file: proto/entrepot/v1/agents.proto


export interface CancelTask {
  'taskId'?: (string);
  'attempt'?: (number);
}

export interface CancelTask__Output {
  'taskId': (string);
  'attempt': (number);
}
