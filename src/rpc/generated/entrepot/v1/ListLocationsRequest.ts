// Original file: proto/entrepot/v1/images.proto


export interface ListLocationsRequest {
  'imageId'?: (string);
}

export interface ListLocationsRequest__Output {
  'imageId': (string);
}
