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
