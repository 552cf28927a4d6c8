// Original file: proto/entrepot/v1/agents.proto

import type { Failure as _entrepot_v1_Failure, Failure__Output as _entrepot_v1_Failure__Output } from '../../entrepot/v1/Failure.ts';
import type { Examined as _entrepot_v1_Examined, Examined__Output as _entrepot_v1_Examined__Output } from '../../entrepot/v1/Examined.ts';
import type { StoredImage as _entrepot_v1_StoredImage, StoredImage__Output as _entrepot_v1_StoredImage__Output } from '../../entrepot/v1/StoredImage.ts';
import type { Long } from '@grpc/proto-loader';

export interface Answer {
  'questionId'?: (number | string | Long);
  'children'?: (string)[];
  'failure'?: (_entrepot_v1_Failure | null);
  'examined'?: (_entrepot_v1_Examined | null);
  'images'?: (_entrepot_v1_StoredImage)[];
}

export interface Answer__Output {
  'questionId': (number);
  'children': (string)[];
  'failure': (_entrepot_v1_Failure__Output | null);
  'examined': (_entrepot_v1_Examined__Output | null);
  'images': (_entrepot_v1_StoredImage__Output)[];
}
