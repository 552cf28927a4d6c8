// Original file: proto/entrepot/v1/agents.proto

import type { Ingested as _entrepot_v1_Ingested, Ingested__Output as _entrepot_v1_Ingested__Output } from '../../entrepot/v1/Ingested.ts';
import type { Copied as _entrepot_v1_Copied, Copied__Output as _entrepot_v1_Copied__Output } from '../../entrepot/v1/Copied.ts';
import type { Deleted as _entrepot_v1_Deleted, Deleted__Output as _entrepot_v1_Deleted__Output } from '../../entrepot/v1/Deleted.ts';
import type { Failure as _entrepot_v1_Failure, Failure__Output as _entrepot_v1_Failure__Output } from '../../entrepot/v1/Failure.ts';
import type { Traffic as _entrepot_v1_Traffic, Traffic__Output as _entrepot_v1_Traffic__Output } from '../../entrepot/v1/Traffic.ts';
import type { Staged as _entrepot_v1_Staged, Staged__Output as _entrepot_v1_Staged__Output } from '../../entrepot/v1/Staged.ts';

export interface TaskResult {
  'taskId'?: (string);
  'attempt'?: (number);
  'ingested'?: (_entrepot_v1_Ingested | null);
  'copied'?: (_entrepot_v1_Copied | null);
  'deleted'?: (_entrepot_v1_Deleted | null);
  'failure'?: (_entrepot_v1_Failure | null);
  'traffic'?: (_entrepot_v1_Traffic | null);
  'seconds'?: (number | string);
  'staged'?: (_entrepot_v1_Staged | null);
  'outcome'?: "ingested"|"copied"|"deleted"|"failure"|"staged";
}

export interface TaskResult__Output {
  'taskId': (string);
  'attempt': (number);
  'ingested'?: (_entrepot_v1_Ingested__Output | null);
  'copied'?: (_entrepot_v1_Copied__Output | null);
  'deleted'?: (_entrepot_v1_Deleted__Output | null);
  'failure'?: (_entrepot_v1_Failure__Output | null);
  'traffic': (_entrepot_v1_Traffic__Output | null);
  'seconds': (number);
  'staged'?: (_entrepot_v1_Staged__Output | null);
  'outcome'?: "ingested"|"copied"|"deleted"|"failure"|"staged";
}
