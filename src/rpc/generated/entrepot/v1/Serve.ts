// Original file: proto/entrepot/v1/agents.proto


export interface Serve {
  'taskId'?: (string);
  'attempt'?: (number);
  'imageId'?: (string);
  'receiverAddress'?: (string);
  'requestId'?: (string);
  'ticket'?: (string);
  'receiverStoreId'?: (string);
  'jobId'?: (string);
}

export interface Serve__Output {
  'taskId': (string);
  'attempt': (number);
  'imageId': (string);
  'receiverAddress': (string);
  'requestId': (string);
  'ticket': (string);
  'receiverStoreId': (string);
  'jobId': (string);
}
