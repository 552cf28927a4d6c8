// Original file: proto/entrepot/v1/transfer.proto

import type { Long } from '@grpc/proto-loader';

export interface ChunkRun {
  'firstChunk'?: (number | string | Long);
  'chunkCount'?: (number | string | Long);
}

export interface ChunkRun__Output {
  'firstChunk': (number);
  'chunkCount': (number);
}
