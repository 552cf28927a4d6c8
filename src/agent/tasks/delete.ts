import { NO_TRAFFIC, noProgress } from '../../domain/job.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Assignment, DeleteWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from './parts.ts';

/**
 * Removes the image, whole and partial. IN_USE naming the clones while any depend on it; then
 * nothing has changed, and whoever reads the image reads on. Done twice is done once.
 */
export async function deleteImage(
  { store, openImages }: TaskParts,
  { imageId }: Assignment<DeleteWork>,
  run: Run,
): Promise<Done> {
  run.signal.throwIfAborted();
  run.onProgress(noProgress('removing'));
  if ((await store.children(imageId)).length === 0) {
    await openImages.evict(imageId, new Refusal('NOT_FOUND', `image ${imageId} is being removed here`));
  }
  await store.remove(imageId);
  await store.discard(imageId);
  return { outcome: { kind: 'deleted' }, traffic: NO_TRAFFIC };
}
