// Original file: proto/entrepot/v1/images.proto


export interface ReactivateImageRequest {
  'imageId'?: (string);
}

export interface ReactivateImageRequest__Output {
  'imageId': (string);
}
