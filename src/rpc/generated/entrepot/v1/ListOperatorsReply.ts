// Original file: proto/entrepot/v1/operators.proto

import type { Operator as _entrepot_v1_Operator, Operator__Output as _entrepot_v1_Operator__Output } from '../../entrepot/v1/Operator.ts';

export interface ListOperatorsReply {
  'operators'?: (_entrepot_v1_Operator)[];
}

export interface ListOperatorsReply__Output {
  'operators': (_entrepot_v1_Operator__Output)[];
}
