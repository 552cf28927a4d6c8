// Original file: proto/entrepot/v1/agents.proto


export interface Welcome {
  'heartbeatIntervalMs'?: (number);
  'revokedStoreIds'?: (string)[];
}

export interface Welcome__Output {
  'heartbeatIntervalMs': (number);
  'revokedStoreIds': (string)[];
}
