// Original file: proto/entrepot/v1/images.proto


export interface DownloadRequest {
  'imageId'?: (string);
}

export interface DownloadRequest__Output {
  'imageId': (string);
}
