// Original file: proto/entrepot/v1/agents.proto

import type { AdoptSource as _entrepot_v1_AdoptSource, AdoptSource__Output as _entrepot_v1_AdoptSource__Output } from '../../entrepot/v1/AdoptSource.ts';
import type { Long } from '@grpc/proto-loader';

export interface Question {
  'questionId'?: (number | string | Long);
  'imageId'?: (string);
  'examine'?: (_entrepot_v1_AdoptSource | null);
  'wholeAfter'?: (string);
  '_wholeAfter'?: "wholeAfter";
}

export interface Question__Output {
  'questionId': (number);
  'imageId': (string);
  'examine': (_entrepot_v1_AdoptSource__Output | null);
  'wholeAfter'?: (string);
  '_wholeAfter'?: "wholeAfter";
}
