// Original file: proto/entrepot/v1/images.proto


export interface GetImageRequest {
  'imageId'?: (string);
}

export interface GetImageRequest__Output {
  'imageId': (string);
}
