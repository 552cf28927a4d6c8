import { actorOf } from '../domain/rules/index.ts';
import type { CallContext } from '../rpc/handlers.ts';
import type { Asker } from './requests.ts';

/** Who makes a call, as the rules ask for it. */
export function askerOf({ caller, requestId, signal }: CallContext): Asker {
  return { actor: actorOf(caller), requestId, signal };
}
