// Original file: proto/entrepot/v1/agents.proto

import type { StagedSource as _entrepot_v1_StagedSource, StagedSource__Output as _entrepot_v1_StagedSource__Output } from '../../entrepot/v1/StagedSource.ts';
import type { WebSource as _entrepot_v1_WebSource, WebSource__Output as _entrepot_v1_WebSource__Output } from '../../entrepot/v1/WebSource.ts';
import type { AdoptSource as _entrepot_v1_AdoptSource, AdoptSource__Output as _entrepot_v1_AdoptSource__Output } from '../../entrepot/v1/AdoptSource.ts';
import type { Long } from '@grpc/proto-loader';

export interface Ingest {
  'sizeBytes'?: (number | string | Long);
  'recordJson'?: (string);
  'staged'?: (_entrepot_v1_StagedSource | null);
  'web'?: (_entrepot_v1_WebSource | null);
  'adopt'?: (_entrepot_v1_AdoptSource | null);
  'diskFormat'?: (string);
  'containerFormat'?: (string);
  'expectedDigests'?: ({[key: string]: string});
  'signatureProperties'?: ({[key: string]: string});
  'source'?: "staged"|"web"|"adopt";
}

export interface Ingest__Output {
  'sizeBytes': (number);
  'recordJson': (string);
  'staged'?: (_entrepot_v1_StagedSource__Output | null);
  'web'?: (_entrepot_v1_WebSource__Output | null);
  'adopt'?: (_entrepot_v1_AdoptSource__Output | null);
  'diskFormat': (string);
  'containerFormat': (string);
  'expectedDigests': ({[key: string]: string});
  'signatureProperties': ({[key: string]: string});
  'source'?: "staged"|"web"|"adopt";
}
