// Original file: proto/entrepot/v1/agents.proto


export interface WebSource {
  'uri'?: (string);
}

export interface WebSource__Output {
  'uri': (string);
}
