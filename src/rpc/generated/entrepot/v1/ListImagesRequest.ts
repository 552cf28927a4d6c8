// Original file: proto/entrepot/v1/images.proto


export interface ListImagesRequest {
  'limit'?: (number);
  'marker'?: (string);
  'name'?: (string);
}

export interface ListImagesRequest__Output {
  'limit': (number);
  'marker': (string);
  'name': (string);
}
