// Original file: proto/entrepot/v1/stores.proto


export interface AddStoreRequest {
  'id'?: (string);
  'role'?: (string);
  'tokenLifetimeSeconds'?: (number);
}

export interface AddStoreRequest__Output {
  'id': (string);
  'role': (string);
  'tokenLifetimeSeconds': (number);
}
