import { Refusal, type RefusalCode } from '../../domain/refusal.ts';
import { refusalOf } from '../../transfer/in-flight.ts';
import type { TaskParts } from './parts.ts';

/**
 * Discards the partial image of a task that failed. Never rejects: why the task failed matters
 * more, and the hub has leftovers discarded that no job will use.
 */
export async function discardLeftover({ store, onLeftover }: TaskParts, imageId: string): Promise<void> {
  try {
    await store.discard(imageId);
  } catch (error) {
    onLeftover(imageId, error);
  }
}

/** The other side did not answer, or went away: the next attempt may have what is missing. */
const PASSING: ReadonlySet<RefusalCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);

/**
 * Whether what an attempt has brought is kept for the next one: whoever ended it does not want it away, and it is not in
 * the way itself.
 */
export function isWorthKeeping(error: unknown, signal: AbortSignal): boolean {
  // Replaced by another attempt, or the agent is stopping: it will be gone on with.
  if (signal.aborted) return refusalOf(signal).code !== 'CANCELLED';
  return PASSING.has(Refusal.from(error).code);
}
