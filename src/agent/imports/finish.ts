import type { FoundFormat, ImageData } from '../../domain/image.ts';
import { noProgress, type Phase, type Progress } from '../../domain/job.ts';
import { type IngestOptions, ingest } from '../../transfer/ingest.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from '../tasks/parts.ts';

/** Writes bytes into the store as they come, and says how the import ended. The source is as `ingest` has it. */
export async function ingestFrames(
  { store, hub, digests, memory }: TaskParts,
  { imageId, taskId }: Assignment<IngestWork>,
  { signal, onProgress, traffic }: Run,
  source: Pick<IngestOptions, 'sizeBytes' | 'frames' | 'intake' | 'resume'>,
): Promise<Done> {
  const ingested = await memory.with((slabs) =>
    ingest({
      store,
      imageId,
      taskId,
      ...source,
      keepManifest: (manifest) => hub.putManifest(manifest.root, manifest.encode(), signal),
      digests,
      slabs,
      onProgress,
      signal,
      traffic,
    }),
  );
  return doneOf(ingested, traffic);
}

/** The result of an import. `formatJson`: as `detailsOf` wrote it. */
export function doneOf(
  { data, formatJson }: { readonly data: ImageData; readonly formatJson: string },
  traffic: Done['traffic'],
): Done {
  return { outcome: { kind: 'ingested', data, format: JSON.parse(formatJson) as FoundFormat }, traffic };
}

/** Of a phase that counts bytes of a file, and knows of none that are holes. */
export function progressIn(phase: Phase, doneBytes: number, totalBytes: number): Progress {
  return { ...noProgress(phase), doneBytes, totalBytes: Math.max(doneBytes, totalBytes) };
}
