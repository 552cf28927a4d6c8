// Original file: proto/entrepot/v1/agents.proto


export interface StoreRevoked {
  'storeId'?: (string);
}

export interface StoreRevoked__Output {
  'storeId': (string);
}
