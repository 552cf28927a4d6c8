// Original file: proto/entrepot/v1/jobs.proto


export interface JobAhead {
  'id'?: (string);
  'kind'?: (string);
  'state'?: (string);
  'paused'?: (boolean);
}

export interface JobAhead__Output {
  'id': (string);
  'kind': (string);
  'state': (string);
  'paused': (boolean);
}
