// Original file: proto/entrepot/v1/agents.proto


export interface TaskAttempt {
  'taskId'?: (string);
  'attempt'?: (number);
}

export interface TaskAttempt__Output {
  'taskId': (string);
  'attempt': (number);
}
