// Original file: proto/entrepot/v1/images.proto


export interface WebDownload {
  'uri'?: (string);
}

export interface WebDownload__Output {
  'uri': (string);
}
