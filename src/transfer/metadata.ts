import type { ImageData } from '../domain/image.ts';

/** Keys of what an image carries with it in its store: enough to rebuild the catalogue from the pools. */
export const METADATA = {
  uuid: 'entrepot.uuid',
  /** Root of the manifest the image was verified against. Set on every whole image. */
  root: 'entrepot.root',
  /** JSON of the image record, as the hub wrote it. */
  record: 'entrepot.record',
  /** JSON of ImageData; on the image whose bytes entered here. */
  data: 'entrepot.data',
  /** Id of the ingest that took the bytes in; on the same images as `data`. */
  task: 'entrepot.task',
  /** JSON of Checkpoint. Stays on the whole image, where it means nothing. */
  checkpoint: 'entrepot.checkpoint',
} as const;

/** How far a copy is: every data chunk below `nextChunk` of the manifest `root` is written and flushed. */
export interface Checkpoint {
  readonly root: string;
  readonly nextChunk: number;
}

/** Undefined for anything but a checkpoint: then the copy starts over. */
export function parseCheckpoint(text: string | undefined): Checkpoint | undefined {
  const { root, nextChunk } = parseObject(text);
  if (typeof root !== 'string' || !isCount(nextChunk)) return undefined;
  return { root, nextChunk };
}

/** Undefined for anything but what ingest writes. */
export function parseImageData(text: string | undefined): ImageData | undefined {
  const { sizeBytes, virtualSizeBytes, dataBytes, checksum, osHashAlgo, osHashValue, root } =
    parseObject(text);
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

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseObject(text: string | undefined): { readonly [key: string]: unknown } & Record<Field, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text ?? 'null');
  } catch {
    value = null;
  }
  return (typeof value === 'object' && value !== null ? value : {}) as Record<Field, unknown>;
}

type Field = keyof Checkpoint | keyof ImageData;
