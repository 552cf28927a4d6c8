import { Refusal } from '../domain/refusal.ts';
import type { Caller } from '../domain/rules/rights.ts';
import type { CallContext, Handlers } from '../rpc/handlers.ts';
import { CONNECTIONS_KEY, TICKET_KEY } from '../rpc/limits.ts';
import { MAX_CONNECTIONS } from '../rpc/link-plan.ts';
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
  const admit = (context: CallContext, use: Pick<TicketUse, 'action' | 'imageId' | 'attempt'>) =>
    desk.admit(context.metadata.get(TICKET_KEY), { ...use, ...originOf(context) });
  return {
    Pull: async (request, write, context) => {
      const { imageId } = request;
      await withFields({ imageId }, async () => {
        using admission = admit(context, { action: 'pull', imageId });
        const use = useOf(admission.ticket);
        using stream = pacing.stream(use);
        const signal = AbortSignal.any([context.signal, admission.signal]);
        await serveRuns(parts, { ...request, toStoreId: use.toStoreId }, stream, write, signal);
      });
    },

    Push: async (messages, write, context) => {
      desk.requireSound(context.metadata.get(TICKET_KEY));
      const connections = connectionsIn(context.metadata.get(CONNECTIONS_KEY));
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
        const wantedRate = pacing.highestRate(storesOf(admission.ticket));
        const onJoined = () => context.widen(connections, wantedRate);
        const delivering = { frames, connections, onJoined };
        await pushSessions.deliver({ taskId, attempt, imageId }, delivering, signal);
      });
    },

    Renew: async ({ ticket }, context) => ({ expiresAtMs: desk.renew(ticket, originOf(context)) }),
  };
}

/** What a pull with this ticket is for. */
function useOf({ holder, jobId }: Ticket): StreamUse {
  return { toStoreId: holder.kind === 'store' ? holder.storeId : undefined, jobId };
}

/** The stores that a ticket's data goes between, as far as it says. */
function storesOf({ holder, atStoreId }: Ticket): string[] {
  return holder.kind === 'store' ? [holder.storeId, atStoreId] : [atStoreId];
}

/** On how many connections a source says that it delivers. INVALID when it cannot be. */
function connectionsIn(text: string | undefined): number {
  if (text === undefined) return 1;
  const count = /^[1-9]$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_CONNECTIONS) return count;
  throw new Refusal('INVALID', `a delivery has 1 to ${MAX_CONNECTIONS} connections`);
}

/** Who shows a ticket, and from where. */
function originOf({ caller, certificate, peer }: CallContext) {
  const holder = holderOf(caller);
  if (certificate === undefined) throw new Refusal('UNAUTHENTICATED', 'a ticket is shown with a certificate');
  return { holder, certificate, peer };
}

/** Whose tickets a caller may show: those of its certificate. */
function holderOf(caller: Caller): Identity {
  if (caller.kind === 'hub') return HUB;
  if (caller.kind === 'store') return { kind: 'store', storeId: caller.storeId };
  throw new Refusal('FORBIDDEN', 'only agents and the hub may use a ticket');
}
