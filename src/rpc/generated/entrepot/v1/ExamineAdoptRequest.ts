// Original file: proto/entrepot/v1/images.proto

import type { Adopt as _entrepot_v1_Adopt, Adopt__Output as _entrepot_v1_Adopt__Output } from '../../entrepot/v1/Adopt.ts';

export interface ExamineAdoptRequest {
  'adopt'?: (_entrepot_v1_Adopt | null);
  'imageId'?: (string);
}

export interface ExamineAdoptRequest__Output {
  'adopt': (_entrepot_v1_Adopt__Output | null);
  'imageId': (string);
}
