// Original file: proto/entrepot/v1/agents.proto


export interface AdoptSource {
  'pool'?: (string);
  'image'?: (string);
  'move'?: (boolean);
}

export interface AdoptSource__Output {
  'pool': (string);
  'image': (string);
  'move': (boolean);
}
