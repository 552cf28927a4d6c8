import { Refusal } from '../domain/refusal.ts';
import type { ReadableImage } from './store.ts';

/**
 * What a store does with images it has not made: looks at them, reads them, and makes them its own.
 * The sentences of store.ts hold for all methods. In addition, where `name` is an argument:
 * INVALID when it is no name (`requireForeignName`), when the pool is not in the cluster, or when the client may
 * not read it (the hint has the rights to give); NOT_FOUND when there is no such image.
 */
export interface Adoption {
  /** What is there. Changes nothing and leaves nothing behind, not even for a moment. */
  examine(name: ForeignName, signal?: AbortSignal): Promise<Found>;

  /**
   * Makes it the whole image `imageId` of this store: snapshot `snap`, protect, rename, in this order; a partial
   * of that id is discarded before. A `snap` that is there already is taken as it is. Its data is not read.
   * What was cut anywhere goes on when called again, also by another process.
   * - UNSUPPORTED, with what to do in the hint, when it can only be copied: it lies in another pool,
   *   it is a clone, or it has another name and `move` is not set.
   * - IN_USE when somebody has it open for writing, and then nothing has changed.
   * - ALREADY_EXISTS when another image is called `imageId`.
   */
  adopt(name: ForeignName, imageId: string, options: { readonly move: boolean }): Promise<void>;

  /**
   * For copying it: reads its snapshot `snap` where it has one, else the image itself as it is now, and then
   * IN_USE when somebody has it open for writing. Nothing is made on it for that (in another pool the client
   * may only read), so somebody could begin to write to it meanwhile: examine it again afterwards.
   */
  open(name: ForeignName): Promise<ReadableImage>;

  /**
   * Sets all entries of a whole image's metadata, others stay. Durable when it settles. NOT_FOUND when the image is
   * not whole, INVALID for keys and values that a partial would not take.
   */
  describe(imageId: string, entries: Readonly<Record<string, string>>): Promise<void>;
}

/** An image of any pool of the store's cluster, as `POOL/NAME`. */
export interface ForeignName {
  readonly pool: string;
  readonly image: string;
}

export interface Found {
  /** Of `snap` where it has one, else of the image as it is now. */
  readonly sizeBytes: number;
  readonly snapshots: readonly { readonly name: string; readonly isProtected: boolean }[];
  /** `pool/image@snapshot`: it is a clone, a part of its data lies there. */
  readonly parent: string | undefined;
  /** It has a snapshot `snap`. */
  readonly hasSnap: boolean;
  readonly snapProtected: boolean;
  /** Who has it open for writing, or mapped, or holds its lock: addresses, or processes. */
  readonly openAt: readonly string[];
  readonly inStorePool: boolean;
}

/** Names that begin with it are the stores' own. */
const OWN_PREFIX = 'entrepot.';

/** INVALID for what cannot name an image of others: our own, and what RBD or a folder does not take. */
export function requireForeignName({ pool, image }: ForeignName): void {
  const isName = (text: string) => /^[^/@\p{Cc}]+$/u.test(text) && text !== '.' && text !== '..';
  if (!isName(pool) || !isName(image)) {
    throw new Refusal('INVALID', `'${pool}/${image}' does not name an image`, {
      hint: 'POOL/NAME, of the default namespace and without @SNAPSHOT; rbd ls POOL shows the names',
    });
  }
  if (image.startsWith(OWN_PREFIX)) {
    throw new Refusal('INVALID', `'${pool}/${image}' is an image that a store is writing or removing`, {
      hint: `names that begin with '${OWN_PREFIX}' are not for adopting: copy the image it becomes instead`,
    });
  }
}

/** Why it cannot become `imageId` where it lies; undefined when it can. The same for all drivers. */
export function onlyByCopying(
  name: ForeignName,
  found: Found,
  imageId: string,
  move: boolean,
): Refusal | undefined {
  const what = `image ${nameText(name)}`;
  if (!found.inStorePool) {
    return new Refusal('UNSUPPORTED', `${what} does not lie in the pool of the store`, {
      hint: 'adopt it by copying, without --move',
    });
  }
  if (found.parent !== undefined) {
    return new Refusal('UNSUPPORTED', `${what} is a clone: a part of its data lies in ${found.parent}`, {
      hint: `adopt it by copying, without --move; or first: rbd flatten ${nameText(name)}`,
    });
  }
  if (name.image === imageId || move) return undefined;
  return new Refusal('UNSUPPORTED', `${what} is not called ${imageId}, and is not to be renamed`, {
    hint: 'adopt it with --move, which renames it, or by copying',
  });
}

/** IN_USE when somebody has it open: what is written after the snapshot would be lost, or change under a reader. */
export function requireNotOpen(name: ForeignName, openAt: readonly string[], hint: string): void {
  if (openAt.length === 0) return;
  throw new Refusal('IN_USE', `image ${nameText(name)} is open for writing at ${openAt.join(', ')}`, {
    hint,
  });
}

export function nameText({ pool, image }: ForeignName): string {
  return `${pool}/${image}`;
}
