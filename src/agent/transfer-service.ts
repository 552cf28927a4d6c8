import { Refusal } from '../domain/refusal.ts';
import type { Caller } from '../domain/rules/rights.ts';
import type { CallContext, Handlers } from '../rpc/handlers.ts';
import { TICKET_KEY } from '../rpc/limits.ts';
import type { TransferService } from '../rpc/proto.ts';
import { withFields } from '../telemetry/request-context.ts';
import { HUB, type Identity } from '../trust/identity.ts';
import type { Ticket } from '../trust/ticket.ts';
import type { Pacing, StreamUse } from './pacing.ts';
import type { PushSessions } from './push-sessions.ts';
import { PushedFrames } from './pushed-frames.ts';
import { type ServingParts, serveRuns } from './serving.ts';
import type { TicketDesk, TicketUse } from './tickets.ts';

export interface TransferServiceParts extends ServingParts {
  readonly pushSessions: PushSessions;
  readonly desk: TicketDesk;
  readonly pacing: Pacing;
}

/** What this agent does for other agents, and for the hub when an operator downloads: each with a ticket. */
export function transferService(parts: TransferServiceParts): Handlers<TransferService> {
  const { desk, pacing, pushSessions } = parts;
  const admit = ({ metadata, caller, peer }: CallContext, use: Omit<TicketUse, 'holder' | 'peer'>) =>
    desk.admit(metadata.get(TICKET_KEY), { ...use, holder: holderOf(caller), peer });
  return {
    Pull: async (request, write, context) => {
      const { imageId } = request;
      await withFields({ imageId }, async () => {
        using admission = admit(context, { action: 'pull', imageId });
        using stream = pacing.stream(useOf(admission.ticket));
        const signal = AbortSignal.any([context.signal, admission.signal]);
        await serveRuns(parts, request, stream, write, signal);
      });
    },

    Push: async (messages, write, context) => {
      desk.requireSound(context.metadata.get(TICKET_KEY));
      const pushed = messages[Symbol.asyncIterator]();
      const first = await pushed.next();
      if (first.done || !('hello' in first.value)) {
        throw new Refusal('INVALID', 'a delivery begins with a hello that names its task');
      }
      const { taskId, attempt, imageId } = first.value.hello;
      await withFields({ taskId, imageId }, async () => {
        using admission = admit(context, { action: 'push', imageId, attempt: { taskId, attempt } });
        const signal = AbortSignal.any([context.signal, admission.signal]);
        const frames = new PushedFrames(pushed, (request) => write(request), signal);
        await pushSessions.deliver({ taskId, attempt, imageId }, frames, signal);
      });
    },

    Renew: async ({ ticket }, { caller, peer }) => ({
      expiresAtMs: desk.renew(ticket, { holder: holderOf(caller), peer }),
    }),
  };
}

/** What a pull with this ticket is for. */
function useOf({ holder, jobId }: Ticket): StreamUse {
  return { toStoreId: holder.kind === 'store' ? holder.storeId : undefined, jobId };
}

/** Whose tickets a caller may show: those of its certificate. */
function holderOf(caller: Caller): Identity {
  if (caller.kind === 'hub') return HUB;
  if (caller.kind === 'store') return { kind: 'store', storeId: caller.storeId };
  throw new Refusal('FORBIDDEN', 'only agents and the hub may use a ticket');
}
