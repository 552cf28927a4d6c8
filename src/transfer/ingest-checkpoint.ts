import { hash } from 'node:crypto';
import { CHUNK_BYTES, chunkCount } from '../domain/chunk.ts';
import type { PartialImage, Store } from '../store/store.ts';
import { isCount, METADATA, parseObject } from './metadata.ts';
import { closing, orClose } from './open.ts';

/** The first bytes of a file, which are here already: a whole number of chunks, or all of it. */
export interface BytesBefore {
  readonly lengthBytes: number;
  /** Of these bytes, in hexadecimal; of none as well. */
  readonly sha512: string;
}

/** Whose bytes an ingest takes in: an attempt goes on only with what another one of both has left. */
export interface IngestOrigin {
  readonly taskId: string;
  /** What the task says of the bytes, such as the version of a file: other bytes, another note. At most 32 KiB. */
  readonly note: string;
}

/** How far an ingest is: all of the image below chunk `nextChunk` is written and flushed. */
export interface IngestCheckpoint extends IngestOrigin {
  readonly nextChunk: number;
  /** Of what is below, in hexadecimal: a store that lost some of it is found out. */
  readonly sha512: string;
}

/** SHA-512 of nothing. */
const SHA512_OF_NONE = hash('sha512', '');

/** How many bytes of an image of `sizeBytes` a checkpoint says are there. */
export function bytesBelow({ nextChunk }: Pick<IngestCheckpoint, 'nextChunk'>, sizeBytes: number): number {
  return Math.min(nextChunk * CHUNK_BYTES, sizeBytes);
}

/** Durable when it settles. */
export async function writeIngestCheckpoint(
  image: Pick<PartialImage, 'setMetadata'>,
  { taskId, note, nextChunk, sha512 }: IngestCheckpoint,
): Promise<void> {
  await image.setMetadata(METADATA.intake, JSON.stringify({ taskId, nextChunk, sha512, note }));
}

/** Undefined for anything but a checkpoint that an image of this size can have: then the ingest begins anew. */
function parseIngestCheckpoint(text: string | undefined, sizeBytes: number): IngestCheckpoint | undefined {
  const { taskId, nextChunk, sha512, note } = parseObject<keyof IngestCheckpoint>(text);
  if (typeof taskId !== 'string' || typeof note !== 'string' || typeof sha512 !== 'string') return undefined;
  if (!isCount(nextChunk) || nextChunk > chunkCount(sizeBytes)) return undefined;
  return { taskId, nextChunk, sha512, note };
}

/**
 * What earlier attempts of a task have left of an image in the store: its first `nextByte` bytes, and what they noted
 * of them. Undefined when there is nothing of that task. Makes no image. Rejects as the store does.
 */
export async function keptIngest(
  store: Store,
  imageId: string,
  taskId: string,
): Promise<{ readonly nextByte: number; readonly note: string } | undefined> {
  // Opening it would make it.
  const listed = await store.list();
  const found = listed.find((image) => image.imageId === imageId && image.form === 'partial');
  if (found === undefined) return undefined;
  const image = await store.openPartial(imageId, found.sizeBytes);
  const kept = await closing(image, () => checkpointOn(image));
  if (kept?.taskId !== taskId) return undefined;
  return { nextByte: bytesBelow(kept, found.sizeBytes), note: kept.note };
}

export interface OpenedForIngest {
  readonly image: PartialImage;
  readonly checkpoint: IngestCheckpoint;
}

/**
 * The partial image to go on with, marked as this origin's. What lies there of another one, or of nobody knows what,
 * is discarded first. Rejects as the store does.
 */
export async function openForIngest(
  store: Store,
  imageId: string,
  sizeBytes: number,
  origin: IngestOrigin,
): Promise<OpenedForIngest> {
  const found = await store.openPartial(imageId, sizeBytes);
  const kept = await orClose(found, async () => await checkpointFor(found, origin));
  if (kept !== undefined) return { image: found, checkpoint: kept };
  await found[Symbol.asyncDispose]();
  await store.discard(imageId);
  const image = await store.openPartial(imageId, sizeBytes);
  return { image, checkpoint: await orClose(image, () => mark(image, origin)) };
}

/** Undefined when it is not this origin's to go on with. */
async function checkpointFor(
  image: PartialImage,
  origin: IngestOrigin,
): Promise<IngestCheckpoint | undefined> {
  const kept = await checkpointOn(image);
  if (kept !== undefined)
    return kept.taskId === origin.taskId && kept.note === origin.note ? kept : undefined;
  return (await isUnmarked(image)) ? await mark(image, origin) : undefined;
}

async function checkpointOn(image: PartialImage): Promise<IngestCheckpoint | undefined> {
  // A copy has begun since.
  if ((await image.metadata(METADATA.checkpoint)) !== undefined) return undefined;
  return parseIngestCheckpoint(await image.metadata(METADATA.intake), image.sizeBytes);
}

/** New, or left by what keeps no checkpoint: whatever there is of data lies behind chunk 0, and is cleared. */
async function isUnmarked(image: PartialImage): Promise<boolean> {
  for (const key of [METADATA.checkpoint, METADATA.intake]) {
    if ((await image.metadata(key)) !== undefined) return false;
  }
  return true;
}

/** Before the first write: whatever is in the image from here on belongs to this origin. */
async function mark(image: PartialImage, origin: IngestOrigin): Promise<IngestCheckpoint> {
  const checkpoint = { ...origin, nextChunk: 0, sha512: SHA512_OF_NONE };
  await writeIngestCheckpoint(image, checkpoint);
  return checkpoint;
}
