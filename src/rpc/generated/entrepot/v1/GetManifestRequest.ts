// Original file: proto/entrepot/v1/agents.proto


export interface GetManifestRequest {
  'root'?: (string);
}

export interface GetManifestRequest__Output {
  'root': (string);
}
