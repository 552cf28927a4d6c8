import { parseUuid } from '../../domain/ids.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Perform } from '../task-board.ts';
import { copyImage } from './copy.ts';
import { deleteImage } from './delete.ts';
import { ingestImage } from './ingest.ts';
import type { TaskParts } from './parts.ts';
import { stageFile } from './stage.ts';

/** The work of each kind of task. */
export function performer(parts: TaskParts): Perform {
  return async (assignment, run) => {
    const { work } = assignment;
    parseUuid(assignment.imageId);
    switch (work.kind) {
      case 'stage':
        return await stageFile(parts, { ...assignment, work }, run);
      case 'ingest':
        return await ingestImage(parts, { ...assignment, work }, run);
      case 'copy':
        return await copyImage(parts, { ...assignment, work }, run);
      case 'delete':
        return await deleteImage(parts, { ...assignment, work }, run);
      case 'unknown':
        throw new Refusal('UNSUPPORTED', 'this agent does not know this kind of task', {
          hint: 'the hub is newer than the agent: update the agent',
        });
    }
  };
}
