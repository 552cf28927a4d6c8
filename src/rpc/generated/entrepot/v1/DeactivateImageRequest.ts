// Original file: proto/entrepot/v1/images.proto


export interface DeactivateImageRequest {
  'imageId'?: (string);
}

export interface DeactivateImageRequest__Output {
  'imageId': (string);
}
