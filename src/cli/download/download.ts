import { rm } from 'node:fs/promises';
import { Refusal } from '../../domain/refusal.ts';
import type { Frame } from '../../transfer/frames.ts';
import { sha512OfFile } from '../file-digest.ts';
import { withFile } from '../file-errors.ts';
import { formatBytes } from '../output/units.ts';
import { PartialFile } from './partial-file.ts';
import { convertToQcow2 } from './qcow2.ts';
import { receiveImage } from './receive.ts';
import { putInPlace, requireRoom } from './target.ts';

export type DownloadFormat = 'raw' | 'qcow2';

export type DownloadPhase = 'receiving' | 'verifying' | 'converting';

/** What the record says of the data. */
export interface DownloadedImage {
  readonly id: string;
  readonly root: string;
  readonly sizeBytes: number;
  /** Bytes in chunks that are not holes. */
  readonly dataBytes: number;
  /** SHA-512 of the whole image, hexadecimal. */
  readonly osHashValue: string;
}

export interface DownloadOptions {
  readonly path: string;
  readonly format: DownloadFormat;
  /** Replace a file that is there. */
  readonly force: boolean;
  /** The image's frames from a whole number of chunks on. */
  readonly framesFrom: (fromByte: number) => AsyncIterable<Frame>;
  readonly signal: AbortSignal;
  /** How long the hub may be away in the middle. Milliseconds. */
  readonly awayMs: number;
  readonly onProgress: (phase: DownloadPhase, doneBytes: number, totalBytes: number) => void;
  /** A sentence for a person, as things happen. */
  readonly onNote: (sentence: string) => void;
  /** It failed, and this is left of it for the next run. */
  readonly onKept: (sentence: string) => void;
}

/**
 * Writes an image into `PATH.part`, holes left out, reads it back, and gives it its name only when its digest is
 * right: nothing else is ever at `path`. Goes on with what an earlier run left there of the same image, and leaves
 * it for the next one when it fails; bytes that are not the image are removed: CORRUPT. NO_SPACE, before anything is
 * asked for, when the disk cannot hold it. For qcow2, `requireQemuImg` first.
 */
export async function downloadImage(image: DownloadedImage, options: DownloadOptions): Promise<void> {
  const { id: imageId, root, sizeBytes } = image;
  await using partial = await PartialFile.open(`${options.path}.part`, { imageId, root, sizeBytes });
  try {
    tellBeginning(partial, image, options);
    await requireRoomFor(partial, image, options);
    await receive(partial, image, options);
    await partial.checkpoint();
    await requireRightDigest(partial, image, options);
    await putUnderItsName(partial, image, options);
  } catch (error) {
    await keepForNextRun(partial, image, options);
    throw error;
  }
}

function tellBeginning(partial: PartialFile, image: DownloadedImage, { onNote }: DownloadOptions): void {
  const { dataBytes } = partial.mark;
  if (partial.replacedOther) onNote(`${partial.path} was of another image: this download begins anew`);
  if (dataBytes > 0) onNote(`${partial.path} has ${extent(dataBytes, image)} already: goes on from there`);
}

/** The image's data may come to less: within a chunk zeros are left out as well. */
async function requireRoomFor(
  partial: PartialFile,
  { dataBytes }: DownloadedImage,
  { path, format }: DownloadOptions,
): Promise<void> {
  const missingBytes = Math.max(0, dataBytes - partial.mark.dataBytes);
  await requireRoom(path, missingBytes + (format === 'qcow2' ? dataBytes : 0));
}

async function receive(
  partial: PartialFile,
  { sizeBytes, dataBytes: totalBytes }: DownloadedImage,
  { framesFrom, signal, awayMs, onProgress, onNote }: DownloadOptions,
): Promise<void> {
  const show = (doneBytes: number) => onProgress('receiving', doneBytes, totalBytes);
  show(partial.mark.dataBytes);
  await receiveImage(partial, {
    framesFrom,
    sizeBytes,
    signal,
    awayMs,
    onAway: onNote,
    onProgress: ({ dataBytes }) => show(dataBytes),
  });
}

async function requireRightDigest(
  partial: PartialFile,
  { sizeBytes, osHashValue }: DownloadedImage,
  { path, signal, onProgress }: DownloadOptions,
): Promise<void> {
  const sha512 = await withFile(`read ${partial.path}`, () =>
    sha512OfFile(partial.handle, sizeBytes, {
      signal,
      onProgress: (doneBytes) => onProgress('verifying', doneBytes, sizeBytes),
    }),
  );
  if (sha512 === osHashValue) return;
  await partial.discard();
  throw new Refusal(
    'CORRUPT',
    `the bytes that came are not the image: their SHA-512 begins ${sha512.slice(0, 16)}, the record's ${osHashValue.slice(0, 16)}; ${path} was not written`,
    { hint: 'try again; if it happens twice, a copy or the way to it is damaged' },
  );
}

async function putUnderItsName(
  partial: PartialFile,
  { sizeBytes }: DownloadedImage,
  { path, format, force, signal, onProgress }: DownloadOptions,
): Promise<void> {
  if (format === 'raw') {
    await withFile(`write ${partial.path}`, () => partial.handle.sync());
    await putInPlace(partial.path, path, force);
    await partial.forgetState();
    return;
  }
  const converted = `${partial.path}.qcow2`;
  const show = (doneBytes: number) => onProgress('converting', doneBytes, sizeBytes);
  show(0);
  await convertToQcow2(partial.path, converted, { sizeBytes, signal, onProgress: show });
  try {
    await putInPlace(converted, path, force);
  } catch (error) {
    await rm(converted, { force: true }).catch(() => {});
    throw error;
  }
  await partial.discard();
}

async function keepForNextRun(
  partial: PartialFile,
  image: DownloadedImage,
  { onKept }: DownloadOptions,
): Promise<void> {
  const { dataBytes } = partial.mark;
  if (dataBytes === 0) return await partial.discard();
  // Where the disk is full, what was flushed before still counts.
  await partial.checkpoint().catch(() => {});
  onKept(`${partial.path} keeps ${extent(dataBytes, image)}`);
}

function extent(dataBytes: number, image: DownloadedImage): string {
  return `${formatBytes(dataBytes)} of ${formatBytes(image.dataBytes)}`;
}
