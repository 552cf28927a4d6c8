import type { ImageData } from '../domain/image.ts';
import type { PartialImage } from '../store/store.ts';

/** Keys of what an image carries with it in its store: enough to rebuild the catalogue from the pools. */
export const METADATA = {
  uuid: 'entrepot.uuid',
  /** Root of the manifest the image was verified against. Set on every whole image. */
  root: 'entrepot.root',
  /** JSON of the image record, as the hub wrote it. */
  record: 'entrepot.record',
  /** JSON of ImageData; on the image whose bytes entered here. */
  data: 'entrepot.data',
  /** JSON of what the image's file was found to be, as its agent wrote it; on the same images as `data`. */
  format: 'entrepot.format',
  /** Id of the ingest that took the bytes in; on the same images as `data`. */
  task: 'entrepot.task',
  /** `yes` on an image that was in the pool before it was ours: only an operator's delete removes it. */
  adopted: 'entrepot.adopted',
  /** JSON of Checkpoint. Stays on the whole image, where it means nothing. */
  checkpoint: 'entrepot.checkpoint',
  /** JSON of IngestCheckpoint. Stays on the whole image, where it means nothing. */
  intake: 'entrepot.intake',
} as const;

/** What is written beside an image whose bytes entered here. */
export interface Details {
  /** At most 64 KiB. */
  readonly recordJson: string;
  /** What the file was found to be, for whoever asks again how the ingest ended. At most 64 KiB. */
  readonly formatJson: string;
  /** Of the disk in it, where that is not the size of the bytes. */
  readonly virtualSizeBytes?: number | undefined;
}

/** An image whose bytes entered here, by which task. */
export interface Entered {
  readonly imageId: string;
  readonly taskId: string;
  readonly data: ImageData;
  readonly details: Details;
}

/** Durable when it settles. */
export async function writeDetails(
  image: Pick<PartialImage, 'setMetadata'>,
  entered: Entered,
): Promise<void> {
  const entries = Object.entries(detailsText(entered));
  for (const [key, value] of entries) await image.setMetadata(key, value);
}

/** The same, by the keys it has in the store. */
export function detailsText({ imageId, taskId, data, details }: Entered): Record<string, string> {
  return {
    [METADATA.uuid]: imageId,
    [METADATA.root]: data.root,
    [METADATA.record]: details.recordJson,
    [METADATA.data]: JSON.stringify(data),
    [METADATA.format]: details.formatJson,
    [METADATA.task]: taskId,
  };
}

/** How far a copy is: every data chunk below `nextChunk` of the manifest `root` is written and flushed. */
export interface Checkpoint {
  readonly root: string;
  readonly nextChunk: number;
}

/** Durable when it settles. */
export async function writeCheckpoint(
  image: Pick<PartialImage, 'setMetadata'>,
  checkpoint: Checkpoint,
): Promise<void> {
  await image.setMetadata(METADATA.checkpoint, JSON.stringify(checkpoint));
}

/** Undefined for anything but a checkpoint: then the copy starts over. */
export function parseCheckpoint(text: string | undefined): Checkpoint | undefined {
  const { root, nextChunk } = parseObject<keyof Checkpoint>(text);
  if (typeof root !== 'string' || !isCount(nextChunk)) return undefined;
  return { root, nextChunk };
}

/** Undefined for anything but what ingest writes. */
export function parseImageData(text: string | undefined): ImageData | undefined {
  const { sizeBytes, virtualSizeBytes, dataBytes, checksum, osHashAlgo, osHashValue, root } =
    parseObject<keyof ImageData>(text);
  if (
    isCount(sizeBytes) &&
    isCount(virtualSizeBytes) &&
    isCount(dataBytes) &&
    typeof checksum === 'string' &&
    osHashAlgo === 'sha512' &&
    typeof osHashValue === 'string' &&
    typeof root === 'string'
  ) {
    return { sizeBytes, virtualSizeBytes, dataBytes, checksum, osHashAlgo, osHashValue, root };
  }
  return undefined;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Its fields, each still to be looked at; {} for anything but a JSON object. */
export function parseObject<Field extends string>(text: string | undefined): Partial<Record<Field, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text ?? 'null');
  } catch {
    value = null;
  }
  return (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<Field, unknown>>;
}
