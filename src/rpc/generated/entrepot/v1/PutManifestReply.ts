// Original file: proto/entrepot/v1/agents.proto


export interface PutManifestReply {
  'root'?: (string);
}

export interface PutManifestReply__Output {
  'root': (string);
}
