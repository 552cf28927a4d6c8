// Original file: proto/entrepot/v1/stores.proto


export interface SetStoreRequest {
  'id'?: (string);
  'rate'?: (string);
}

export interface SetStoreRequest__Output {
  'id': (string);
  'rate': (string);
}
