// Original file: proto/entrepot/v1/transfer.proto

import type { ChunkRun as _entrepot_v1_ChunkRun, ChunkRun__Output as _entrepot_v1_ChunkRun__Output } from '../../entrepot/v1/ChunkRun.ts';

export interface PullRequest {
  'imageId'?: (string);
  'runs'?: (_entrepot_v1_ChunkRun)[];
  'acceptsPacked'?: (boolean);
}

export interface PullRequest__Output {
  'imageId': (string);
  'runs': (_entrepot_v1_ChunkRun__Output)[];
  'acceptsPacked': (boolean);
}
