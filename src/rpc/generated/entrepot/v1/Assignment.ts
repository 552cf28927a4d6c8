// Original file: proto/entrepot/v1/agents.proto

import type { Ingest as _entrepot_v1_Ingest, Ingest__Output as _entrepot_v1_Ingest__Output } from '../../entrepot/v1/Ingest.ts';
import type { CopyWork as _entrepot_v1_CopyWork, CopyWork__Output as _entrepot_v1_CopyWork__Output } from '../../entrepot/v1/CopyWork.ts';
import type { DeleteWork as _entrepot_v1_DeleteWork, DeleteWork__Output as _entrepot_v1_DeleteWork__Output } from '../../entrepot/v1/DeleteWork.ts';
import type { StageWork as _entrepot_v1_StageWork, StageWork__Output as _entrepot_v1_StageWork__Output } from '../../entrepot/v1/StageWork.ts';

export interface Assignment {
  'taskId'?: (string);
  'attempt'?: (number);
  'jobId'?: (string);
  'imageId'?: (string);
  'requestId'?: (string);
  'ingest'?: (_entrepot_v1_Ingest | null);
  'copy'?: (_entrepot_v1_CopyWork | null);
  'delete'?: (_entrepot_v1_DeleteWork | null);
  'stage'?: (_entrepot_v1_StageWork | null);
  'work'?: "ingest"|"copy"|"delete"|"stage";
}

export interface Assignment__Output {
  'taskId': (string);
  'attempt': (number);
  'jobId': (string);
  'imageId': (string);
  'requestId': (string);
  'ingest'?: (_entrepot_v1_Ingest__Output | null);
  'copy'?: (_entrepot_v1_CopyWork__Output | null);
  'delete'?: (_entrepot_v1_DeleteWork__Output | null);
  'stage'?: (_entrepot_v1_StageWork__Output | null);
  'work'?: "ingest"|"copy"|"delete"|"stage";
}
