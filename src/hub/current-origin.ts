import { HUB_ORIGIN, type Origin } from '../catalogue/events.ts';
import { currentFields } from '../telemetry/request-context.ts';

/** On whose behalf the hub is at work now, for its events: the caller of the call, or the hub itself. */
export function currentOrigin(): Origin {
  const { caller, peer = '', requestId } = currentFields();
  return caller === undefined ? { ...HUB_ORIGIN, requestId } : { actor: caller, peer, requestId };
}
