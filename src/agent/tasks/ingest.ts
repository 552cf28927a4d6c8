import { ingest } from '../../transfer/ingest.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import { discardLeftover } from './leftover.ts';
import type { TaskParts } from './parts.ts';

/**
 * Takes the bytes of an upload in. An upload cannot be sent from the middle on, so whatever
 * stops it, what has arrived is discarded.
 */
export async function ingestImage(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  { signal, onProgress, traffic }: Run,
): Promise<Done> {
  const { store, hub, digests, memory } = parts;
  const { imageId, work } = assignment;
  try {
    const { data } = await memory.with((slabs) =>
      ingest({
        store,
        imageId,
        taskId: assignment.taskId,
        sizeBytes: work.sizeBytes,
        recordJson: work.recordJson,
        frames: hub.pullUpload(assignment, signal),
        keepManifest: (manifest) => hub.putManifest(manifest.root, manifest.encode(), signal),
        digests,
        slabs,
        onProgress,
        signal,
        traffic,
      }),
    );
    return { outcome: { kind: 'ingested', data }, traffic };
  } catch (error) {
    await discardLeftover(parts, imageId);
    throw error;
  }
}
