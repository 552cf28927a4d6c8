// Original file: proto/entrepot/v1/agents.proto


export interface PullUploadRequest {
  'taskId'?: (string);
  'attempt'?: (number);
}

export interface PullUploadRequest__Output {
  'taskId': (string);
  'attempt': (number);
}
