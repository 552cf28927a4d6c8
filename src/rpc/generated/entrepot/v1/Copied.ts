// Original file: proto/entrepot/v1/agents.proto


export interface Copied {
  'verifiedRoot'?: (string);
}

export interface Copied__Output {
  'verifiedRoot': (string);
}
