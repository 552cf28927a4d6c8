// Original file: proto/entrepot/v1/transfer.proto

import type { PushHello as _entrepot_v1_PushHello, PushHello__Output as _entrepot_v1_PushHello__Output } from '../../entrepot/v1/PushHello.ts';
import type { Frame as _entrepot_v1_Frame, Frame__Output as _entrepot_v1_Frame__Output } from '../../entrepot/v1/Frame.ts';

export interface PushMessage {
  'hello'?: (_entrepot_v1_PushHello | null);
  'frame'?: (_entrepot_v1_Frame | null);
  'message'?: "hello"|"frame";
}

export interface PushMessage__Output {
  'hello'?: (_entrepot_v1_PushHello__Output | null);
  'frame'?: (_entrepot_v1_Frame__Output | null);
  'message'?: "hello"|"frame";
}
