// Original file: proto/entrepot/v1/images.proto


export interface CopyImageRequest {
  'imageId'?: (string);
  'storeIds'?: (string)[];
  'allStores'?: (boolean);
  'allStoresMustSucceed'?: (boolean);
  'lane'?: (string);
}

export interface CopyImageRequest__Output {
  'imageId': (string);
  'storeIds': (string)[];
  'allStores': (boolean);
  'allStoresMustSucceed': (boolean);
  'lane': (string);
}
