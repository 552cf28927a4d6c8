// Original file: proto/entrepot/v1/images.proto


export interface DeleteCopyRequest {
  'imageId'?: (string);
  'storeId'?: (string);
}

export interface DeleteCopyRequest__Output {
  'imageId': (string);
  'storeId': (string);
}
