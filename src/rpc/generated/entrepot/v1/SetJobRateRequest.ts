// Original file: proto/entrepot/v1/jobs.proto


export interface SetJobRateRequest {
  'jobId'?: (string);
  'rate'?: (string);
}

export interface SetJobRateRequest__Output {
  'jobId': (string);
  'rate': (string);
}
