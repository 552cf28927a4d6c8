// Original file: proto/entrepot/v1/transfer.proto


export interface PushHello {
  'taskId'?: (string);
  'attempt'?: (number);
  'imageId'?: (string);
}

export interface PushHello__Output {
  'taskId': (string);
  'attempt': (number);
  'imageId': (string);
}
