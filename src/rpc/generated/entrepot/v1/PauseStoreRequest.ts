// Original file: proto/entrepot/v1/stores.proto


export interface PauseStoreRequest {
  'id'?: (string);
}

export interface PauseStoreRequest__Output {
  'id': (string);
}
