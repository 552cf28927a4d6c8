// Original file: proto/entrepot/v1/agents.proto

import type { Hello as _entrepot_v1_Hello, Hello__Output as _entrepot_v1_Hello__Output } from '../../entrepot/v1/Hello.ts';
import type { Inventory as _entrepot_v1_Inventory, Inventory__Output as _entrepot_v1_Inventory__Output } from '../../entrepot/v1/Inventory.ts';
import type { Heartbeat as _entrepot_v1_Heartbeat, Heartbeat__Output as _entrepot_v1_Heartbeat__Output } from '../../entrepot/v1/Heartbeat.ts';
import type { TaskProgress as _entrepot_v1_TaskProgress, TaskProgress__Output as _entrepot_v1_TaskProgress__Output } from '../../entrepot/v1/TaskProgress.ts';
import type { TaskResult as _entrepot_v1_TaskResult, TaskResult__Output as _entrepot_v1_TaskResult__Output } from '../../entrepot/v1/TaskResult.ts';
import type { Answer as _entrepot_v1_Answer, Answer__Output as _entrepot_v1_Answer__Output } from '../../entrepot/v1/Answer.ts';

export interface AgentMessage {
  'hello'?: (_entrepot_v1_Hello | null);
  'inventory'?: (_entrepot_v1_Inventory | null);
  'heartbeat'?: (_entrepot_v1_Heartbeat | null);
  'progress'?: (_entrepot_v1_TaskProgress | null);
  'result'?: (_entrepot_v1_TaskResult | null);
  'answer'?: (_entrepot_v1_Answer | null);
  'message'?: "hello"|"inventory"|"heartbeat"|"progress"|"result"|"answer";
}

export interface AgentMessage__Output {
  'hello'?: (_entrepot_v1_Hello__Output | null);
  'inventory'?: (_entrepot_v1_Inventory__Output | null);
  'heartbeat'?: (_entrepot_v1_Heartbeat__Output | null);
  'progress'?: (_entrepot_v1_TaskProgress__Output | null);
  'result'?: (_entrepot_v1_TaskResult__Output | null);
  'answer'?: (_entrepot_v1_Answer__Output | null);
  'message'?: "hello"|"inventory"|"heartbeat"|"progress"|"result"|"answer";
}
