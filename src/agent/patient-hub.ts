import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from '../domain/refusal.ts';
import type { Backoff } from './backoff.ts';
import type { HubCalls } from './tasks/parts.ts';

/**
 * The hub, for tasks that outlive it. A manifest is the last thing that an image needs before it is published: it
 * waits for a hub that is away, until the task is stopped, rather than have hours of fetching and converting done
 * anew because the hub was being restarted in that second. What other calls ask for can be asked for again by the
 * next attempt, at little cost. `backoff` gives the waits of one call.
 */
export function patient(hub: HubCalls, backoff: () => Backoff): HubCalls {
  return {
    pullUpload: (...args) => hub.pullUpload(...args),
    getManifest: (...args) => hub.getManifest(...args),
    putManifest: async (root, encoded, signal) => {
      const waits = backoff();
      for (;;) {
        try {
          await hub.putManifest(root, encoded, signal);
          return;
        } catch (error) {
          signal.throwIfAborted();
          if (!isAway(error)) throw error;
        }
        await delay(waits.next(), undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      }
    },
  };
}

/** Gone, or not answering. CANCELLED is how a hub ends calls when it is stopped. */
function isAway(error: unknown): boolean {
  const { code } = Refusal.from(error);
  return code === 'UNAVAILABLE' || code === 'TIMEOUT' || code === 'CANCELLED';
}
