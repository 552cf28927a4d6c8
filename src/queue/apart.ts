import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs work apart from the call it came with; what it returns, or throws, is passed on. */
export type Apart = <T>(work: () => T) => T;

/**
 * The hub knows by its asynchronous context whose call it is at work for, and writes that caller down
 * for each change. Timers and queues hand on the context of whoever woke them last, and a call that
 * ends one job sets the next one going, which somebody else asked for. So what follows from a call runs
 * in the context this was made in, which is that of the hub itself.
 */
export function apart(): Apart {
  return AsyncLocalStorage.snapshot();
}
