import { convertToRaw } from '../../image/convert/convert.ts';
import type { Entry } from '../../image/entry.ts';
import type { ReadableImage } from '../../store/store.ts';
import { imageDataOf } from '../../transfer/content-digest.ts';
import { writeDetails } from '../../transfer/metadata.ts';
import { closing } from '../../transfer/open.ts';
import { type SurveyCheck, surveyImage } from '../../transfer/survey.ts';
import type { Assignment, IngestWork } from '../messages.ts';
import type { Done, Run } from '../task-board.ts';
import type { TaskParts } from '../tasks/parts.ts';
import { detailsOf } from './check.ts';
import { doneOf, progressIn } from './finish.ts';
import { PartialSink } from './partial-sink.ts';
import { requireRaw } from './raw-result.ts';

/**
 * Converts a file straight into the store, without a raw file on the way; then reads back what the store has, makes
 * the image's digests of that, and publishes it. What stops in the middle leaves a partial image that the next
 * attempt discards.
 */
export async function convertFile(
  parts: TaskParts,
  assignment: Assignment<IngestWork>,
  run: Run,
  file: { readonly path: string },
  entry: Extract<Entry, { do: 'convert' }>,
): Promise<Done> {
  const { store, hub, imports } = parts;
  const { imageId, taskId, work } = assignment;
  const { signal, onProgress, traffic } = run;
  const { from, virtualSizeBytes, format } = entry;
  await store.discard(imageId);
  const image = await store.openPartial(imageId, virtualSizeBytes);
  const made = await closing(image, async () => {
    await convertToRaw({
      path: file.path,
      format: from,
      virtualSizeBytes,
      sink: new PartialSink(image),
      socketFolder: imports.staging.folder,
      confinement: imports.confinement,
      signal,
      onProgress: (doneBytes, totalBytes) => onProgress(progressIn('converting', doneBytes, totalBytes)),
    });
    await image.flush();
    await requireRaw(image, parts, signal);
    const content = await survey(image, parts, run);
    const { manifest } = content;
    const data = imageDataOf(content);
    onProgress(progressIn('publishing', virtualSizeBytes, virtualSizeBytes));
    await hub.putManifest(manifest.root, manifest.encode(), signal);
    const details = detailsOf(work.recordJson, format);
    await writeDetails(image, { imageId, taskId, data, details });
    return { data, formatJson: details.formatJson };
  });
  signal.throwIfAborted();
  await store.publish(imageId);
  return doneOf(made, traffic);
}

/** Digests and manifest of what the store has; `check` hears of it as well. */
export async function survey(
  image: ReadableImage,
  { digests, memory }: TaskParts,
  { signal, onProgress, traffic }: Run,
  check?: SurveyCheck,
) {
  let doneBytes = 0;
  const onPassed = ({ readBytes, holeBytes }: { readonly readBytes: number; readonly holeBytes: number }) => {
    traffic.verifiedBytes += readBytes;
    traffic.holeBytes += holeBytes;
    doneBytes += readBytes + holeBytes;
    onProgress(progressIn('hashing', doneBytes, image.sizeBytes));
  };
  return await memory.with((slabs) => surveyImage({ image, digests, slabs, onPassed, check, signal }));
}
