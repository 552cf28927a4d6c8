// Original file: proto/entrepot/v1/stores.proto


export interface RevokeStoreRequest {
  'id'?: (string);
}

export interface RevokeStoreRequest__Output {
  'id': (string);
}
