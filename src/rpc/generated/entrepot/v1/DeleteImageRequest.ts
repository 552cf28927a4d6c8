// Original file: proto/entrepot/v1/images.proto


export interface DeleteImageRequest {
  'imageId'?: (string);
}

export interface DeleteImageRequest__Output {
  'imageId': (string);
}
