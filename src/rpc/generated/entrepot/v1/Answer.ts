// Original file: proto/entrepot/v1/agents.proto

import type { Failure as _entrepot_v1_Failure, Failure__Output as _entrepot_v1_Failure__Output } from '../../entrepot/v1/Failure.ts';
import type { Long } from '@grpc/proto-loader';

export interface Answer {
  'questionId'?: (number | string | Long);
  'children'?: (string)[];
  'failure'?: (_entrepot_v1_Failure | null);
}

export interface Answer__Output {
  'questionId': (number);
  'children': (string)[];
  'failure': (_entrepot_v1_Failure__Output | null);
}
