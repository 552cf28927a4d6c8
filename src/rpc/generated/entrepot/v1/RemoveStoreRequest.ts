// Original file: proto/entrepot/v1/stores.proto


export interface RemoveStoreRequest {
  'id'?: (string);
  'orphanCopies'?: (boolean);
}

export interface RemoveStoreRequest__Output {
  'id': (string);
  'orphanCopies': (boolean);
}
