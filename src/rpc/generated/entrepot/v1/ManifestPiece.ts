// Original file: proto/entrepot/v1/agents.proto


export interface ManifestPiece {
  'data'?: (Buffer | Uint8Array | string);
}

export interface ManifestPiece__Output {
  'data': (Buffer);
}
