// Original file: proto/entrepot/v1/agents.proto


export interface Welcome {
  'heartbeatIntervalMs'?: (number);
}

export interface Welcome__Output {
  'heartbeatIntervalMs': (number);
}
