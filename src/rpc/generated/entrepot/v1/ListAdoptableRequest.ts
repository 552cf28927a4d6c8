// Original file: proto/entrepot/v1/images.proto


export interface ListAdoptableRequest {
  'storeId'?: (string);
  'marker'?: (string);
}

export interface ListAdoptableRequest__Output {
  'storeId': (string);
  'marker': (string);
}
