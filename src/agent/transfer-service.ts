import { Refusal } from '../domain/refusal.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { TransferService } from '../rpc/proto.ts';
import { withFields } from '../telemetry/request-context.ts';
import type { PushSessions } from './push-sessions.ts';
import { PushedFrames } from './pushed-frames.ts';
import { type ServingParts, serveRuns } from './serving.ts';

export interface TransferServiceParts extends ServingParts {
  readonly pushSessions: PushSessions;
}

/** What this agent does for other agents, and for the hub when an operator downloads. */
export function transferService(parts: TransferServiceParts): Handlers<TransferService> {
  return {
    Pull: (request, write, { signal }) =>
      withFields({ imageId: request.imageId }, () => serveRuns(parts, request, write, signal)),

    Push: async (messages, write, { signal }) => {
      const pushed = messages[Symbol.asyncIterator]();
      const first = await pushed.next();
      if (first.done || !('hello' in first.value)) {
        throw new Refusal('INVALID', 'a delivery begins with a hello that names its task');
      }
      const { taskId, attempt, imageId } = first.value.hello;
      await withFields({ taskId, imageId }, () =>
        parts.pushSessions.deliver(
          { taskId, attempt, imageId },
          new PushedFrames(pushed, (request) => write(request)),
          signal,
        ),
      );
    },
  };
}
