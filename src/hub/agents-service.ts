import { parseUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { storeOf } from '../domain/rules/index.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { AgentsService } from '../rpc/proto.ts';
import { type AttachParts, AttachSession } from './attach-session.ts';
import { ManifestExchange } from './manifest-exchange.ts';
import type { Uploads } from './uploads.ts';

export const AGENTS_RIGHTS: Rights<AgentsService> = {
  Attach: 'serve',
  GetManifest: 'serve',
  PutManifest: 'serve',
  PullUpload: 'serve',
};

export interface AgentsParts extends AttachParts {
  readonly uploads: Uploads;
}

/** proto/entrepot/v1/agents.proto: the hub's side for agents, each held to its own store's tasks. */
export function agentsService(parts: AgentsParts): Handlers<AgentsService> {
  const { uploads, reports } = parts;
  const manifests = new ManifestExchange(parts);
  return {
    Attach: (messages, write, context) => new AttachSession(parts, write, context).run(messages),

    GetManifest: ({ root }, write, { caller, signal }) =>
      manifests.send(storeOf(caller), root, write, signal),

    PutManifest: async (pieces, { caller, signal }) => ({
      root: await manifests.take(storeOf(caller), pieces, signal),
    }),

    PullUpload: async ({ taskId, attempt, fromByte, sha512 }, write, { caller, signal }) => {
      const id = parseUuid(taskId, 'task id');
      const task = reports.requireOwn(storeOf(caller), { taskId: id, attempt });
      if ((task.kind !== 'ingest' && task.kind !== 'stage') || task.attempt !== attempt) {
        throw new Refusal(
          'CONFLICT',
          `attempt ${attempt} of task ${taskId} is not the one that takes an upload in`,
        );
      }
      await uploads.take(task.jobId, { lengthBytes: fromByte, sha512 }, write, signal);
    },
  };
}
