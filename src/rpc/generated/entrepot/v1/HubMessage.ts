// Original file: proto/entrepot/v1/agents.proto

import type { Welcome as _entrepot_v1_Welcome, Welcome__Output as _entrepot_v1_Welcome__Output } from '../../entrepot/v1/Welcome.ts';
import type { Assignment as _entrepot_v1_Assignment, Assignment__Output as _entrepot_v1_Assignment__Output } from '../../entrepot/v1/Assignment.ts';
import type { CancelTask as _entrepot_v1_CancelTask, CancelTask__Output as _entrepot_v1_CancelTask__Output } from '../../entrepot/v1/CancelTask.ts';
import type { ResultKept as _entrepot_v1_ResultKept, ResultKept__Output as _entrepot_v1_ResultKept__Output } from '../../entrepot/v1/ResultKept.ts';
import type { Serve as _entrepot_v1_Serve, Serve__Output as _entrepot_v1_Serve__Output } from '../../entrepot/v1/Serve.ts';
import type { Discard as _entrepot_v1_Discard, Discard__Output as _entrepot_v1_Discard__Output } from '../../entrepot/v1/Discard.ts';
import type { Question as _entrepot_v1_Question, Question__Output as _entrepot_v1_Question__Output } from '../../entrepot/v1/Question.ts';
import type { RenewedTicket as _entrepot_v1_RenewedTicket, RenewedTicket__Output as _entrepot_v1_RenewedTicket__Output } from '../../entrepot/v1/RenewedTicket.ts';
import type { StoreRevoked as _entrepot_v1_StoreRevoked, StoreRevoked__Output as _entrepot_v1_StoreRevoked__Output } from '../../entrepot/v1/StoreRevoked.ts';
import type { Pacing as _entrepot_v1_Pacing, Pacing__Output as _entrepot_v1_Pacing__Output } from '../../entrepot/v1/Pacing.ts';

export interface HubMessage {
  'welcome'?: (_entrepot_v1_Welcome | null);
  'assign'?: (_entrepot_v1_Assignment | null);
  'cancel'?: (_entrepot_v1_CancelTask | null);
  'kept'?: (_entrepot_v1_ResultKept | null);
  'serve'?: (_entrepot_v1_Serve | null);
  'discard'?: (_entrepot_v1_Discard | null);
  'question'?: (_entrepot_v1_Question | null);
  'renewedTicket'?: (_entrepot_v1_RenewedTicket | null);
  'storeRevoked'?: (_entrepot_v1_StoreRevoked | null);
  'pacing'?: (_entrepot_v1_Pacing | null);
  'message'?: "welcome"|"assign"|"cancel"|"kept"|"serve"|"discard"|"question"|"renewedTicket"|"storeRevoked"|"pacing";
}

export interface HubMessage__Output {
  'welcome'?: (_entrepot_v1_Welcome__Output | null);
  'assign'?: (_entrepot_v1_Assignment__Output | null);
  'cancel'?: (_entrepot_v1_CancelTask__Output | null);
  'kept'?: (_entrepot_v1_ResultKept__Output | null);
  'serve'?: (_entrepot_v1_Serve__Output | null);
  'discard'?: (_entrepot_v1_Discard__Output | null);
  'question'?: (_entrepot_v1_Question__Output | null);
  'renewedTicket'?: (_entrepot_v1_RenewedTicket__Output | null);
  'storeRevoked'?: (_entrepot_v1_StoreRevoked__Output | null);
  'pacing'?: (_entrepot_v1_Pacing__Output | null);
  'message'?: "welcome"|"assign"|"cancel"|"kept"|"serve"|"discard"|"question"|"renewedTicket"|"storeRevoked"|"pacing";
}
