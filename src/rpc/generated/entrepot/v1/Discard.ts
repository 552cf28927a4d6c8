// Original file: proto/entrepot/v1/agents.proto


export interface Discard {
  'imageIds'?: (string)[];
}

export interface Discard__Output {
  'imageIds': (string)[];
}
