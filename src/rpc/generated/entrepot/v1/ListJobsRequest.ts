// Original file: proto/entrepot/v1/jobs.proto


export interface ListJobsRequest {
  'imageId'?: (string);
  'all'?: (boolean);
  'limit'?: (number);
}

export interface ListJobsRequest__Output {
  'imageId': (string);
  'all': (boolean);
  'limit': (number);
}
