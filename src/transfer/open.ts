import { Refusal } from '../domain/refusal.ts';
import type { PartialImage, Store } from '../store/store.ts';
import type { Manifest } from './manifest.ts';
import { METADATA, parseCheckpoint, writeCheckpoint } from './metadata.ts';

export interface OpenedForCopy {
  readonly image: PartialImage;
  /** Every data chunk below is in the store, flushed. */
  readonly nextChunk: number;
}

/**
 * The partial image to go on with; undefined when the image is whole and is this one.
 * What lies there of another image, or of nobody knows what, is discarded first: its bytes
 * would show in this one's holes. For a whole image that is another one, see `removeStale`.
 */
export async function openForCopy(
  store: Store,
  imageId: string,
  manifest: Manifest,
): Promise<OpenedForCopy | undefined> {
  let found = await partialUnlessWhole(store, imageId, manifest.sizeBytes);
  if (found === undefined) {
    const root = await rootOfWhole(store, imageId);
    if (root === manifest.root) return undefined;
    await removeStale(store, imageId, root);
    found = await store.openPartial(imageId, manifest.sizeBytes);
  }
  const state = await orClose(found, () => inspect(found, manifest));
  if (state !== 'foreign') return { image: found, nextChunk: state };
  await found[Symbol.asyncDispose]();
  await store.discard(imageId);
  const image = await store.openPartial(imageId, manifest.sizeBytes);
  await orClose(image, () => mark(image, manifest));
  return { image, nextChunk: 0 };
}

/** Closes the image after `body`, whatever became of it, and rejects as `body` did. */
export async function closing<T>(image: AsyncDisposable, body: () => Promise<T>): Promise<T> {
  const result = await orClose(image, body);
  await image[Symbol.asyncDispose]();
  return result;
}

/** Closes the image when `body` fails, and rejects as it did. */
export async function orClose<T>(image: AsyncDisposable, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    // Not `await using`: that would hide why `body` failed behind a close that fails too.
    await Promise.allSettled([image[Symbol.asyncDispose]()]);
    throw error;
  }
}

async function partialUnlessWhole(
  store: Store,
  imageId: string,
  sizeBytes: number,
): Promise<PartialImage | undefined> {
  try {
    return await store.openPartial(imageId, sizeBytes);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'ALREADY_EXISTS') return undefined;
    throw error;
  }
}

/** Where to go on, or 'foreign' when it is not ours to go on with. */
async function inspect(image: PartialImage, manifest: Manifest): Promise<number | 'foreign'> {
  const text = await image.metadata(METADATA.checkpoint);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint?.root === manifest.root) return checkpoint.nextChunk;
  if (text !== undefined) return 'foreign';
  const extents = await image.extents(0, image.sizeBytes);
  if (extents.length > 0) return 'foreign';
  await mark(image, manifest);
  return 0;
}

/** Before the first write: whatever is in the image from here on belongs to this manifest. */
async function mark(image: PartialImage, manifest: Manifest): Promise<void> {
  await writeCheckpoint(image, { root: manifest.root, nextChunk: 0 });
}

async function rootOfWhole(store: Store, imageId: string): Promise<string | undefined> {
  const image = await store.openWhole(imageId);
  return closing(image, () => image.metadata(METADATA.root));
}

/**
 * Removes a whole image that the hub counts nowhere: what a job made that was cancelled while
 * its site was away, and whose end the agent could not tell. Only an image with a root of ours
 * is; CONFLICT for any other, as the pool may have other users, and for one that was adopted, which nobody
 * can make again. IN_USE while clones depend on it.
 */
export async function removeStale(store: Store, imageId: string, root: string | undefined): Promise<void> {
  if (root === undefined || (await isAdopted(store, imageId))) {
    throw new Refusal('CONFLICT', `the store already has an image ${imageId}, which Entrepot did not make`, {
      hint: 'look at what it is; remove it from the store, or give the new image another UUID',
    });
  }
  await store.remove(imageId);
}

async function isAdopted(store: Store, imageId: string): Promise<boolean> {
  const image = await store.openWhole(imageId);
  return (await closing(image, () => image.metadata(METADATA.adopted))) !== undefined;
}
