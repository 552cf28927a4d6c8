// Original file: proto/entrepot/v1/agents.proto


export interface JobPace {
  'jobId'?: (string);
  'rate'?: (string);
  'paused'?: (boolean);
  'lane'?: (string);
}

export interface JobPace__Output {
  'jobId': (string);
  'rate': (string);
  'paused': (boolean);
  'lane': (string);
}
