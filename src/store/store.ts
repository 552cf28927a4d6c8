import { isUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Driver } from '../domain/store.ts';
import type { Adoption } from './adoption.ts';

/**
 * A site's image pool, as its agent uses it. Two drivers keep this contract, and
 * one suite (test/contract) holds both to it.
 *
 * Names on disk: an image is `<uuid>` when whole and `entrepot.partial.<uuid>`
 * while it is being written or removed. So whatever we name by a UUID is whole,
 * with its protected snapshot `snap`, at every moment, also after a crash; what others name so is
 * taken for whole only with that.
 *
 * For all methods:
 * - They never block the event loop, and reject with a `Refusal`: NOT_FOUND,
 *   ALREADY_EXISTS, IN_USE, NO_SPACE, UNAVAILABLE (the cluster does not answer),
 *   TIMEOUT, INVALID (a pool that is not there, rights that are missing), INTERNAL.
 * - Every one may be repeated: done twice is done once.
 * - Nothing below them retries.
 */
export interface Store extends AsyncDisposable {
  readonly driver: Driver;

  /** For images that others have made. */
  readonly adoption: Adoption;

  /** Connects. UNAVAILABLE or INVALID with a hint when it cannot. Must come first; constructors do no I/O. */
  start(): Promise<void>;

  /** Cluster id and pool, as R10 pins them. */
  identity(): Promise<{ readonly fsid: string; readonly pool: string }>;

  /** Undefined when the cluster does not tell (a Ceph cluster without a manager). */
  space(): Promise<Space | undefined>;

  /**
   * Every whole image, and every partial one; whatever else is in the pool is left out, also what is named by a
   * UUID and has no protected snapshot: others make or change such images.
   */
  list(): Promise<StoredImage[]>;

  /**
   * The partial image, made when absent. One that is there already keeps its data
   * and metadata, unless its size differs: then it is made anew. A writer that
   * died with the image open does not stand in the way.
   * ALREADY_EXISTS when the image is whole.
   */
  openPartial(imageId: string, sizeBytes: number): Promise<PartialImage>;

  /** The whole image, for reading from its snapshot. NOT_FOUND when it is absent, partial, or without that. */
  openWhole(imageId: string): Promise<ReadableImage>;

  /**
   * Makes the partial image whole: snapshot, protect, rename, in this order. The partial
   * must be closed. Goes on from wherever an earlier call was cut. Nothing to do when it is whole.
   * ALREADY_EXISTS when others have given the name to an image that is not.
   */
  publish(imageId: string): Promise<void>;

  /** Removes the partial image. Nothing to do when there is none. Never touches a whole one. */
  discard(imageId: string): Promise<void>;

  /**
   * Removes the whole image: IN_USE naming the clones while any depend on it, and then
   * nothing has changed. Nothing to do when it is absent. A call that was cut leaves at
   * worst a partial image.
   */
  remove(imageId: string): Promise<void>;

  /** Clones that depend on the whole image, as `pool/name`; [] when it is absent. */
  children(imageId: string): Promise<string[]>;
}

export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface StoredImage {
  readonly imageId: string;
  readonly form: 'whole' | 'partial';
  readonly sizeBytes: number;
}

/** A range that may hold data. What lies between extents reads as zeros. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** An open image. Closing it twice is fine. */
export interface ReadableImage extends AsyncDisposable {
  readonly sizeBytes: number;

  /**
   * Fills `target` from `offset` on. The whole range lies inside the image (INVALID otherwise).
   * `target` must not be touched until the promise settles. It may be backed by shared memory.
   */
  read(offset: number, target: Uint8Array): Promise<void>;

  /** Data extents inside [offset, offset + length), in rising order, not overlapping, clipped to the range. */
  extents(offset: number, length: number): Promise<Extent[]>;

  /** Undefined when the key is not set. */
  metadata(key: string): Promise<string | undefined>;
}

export interface PartialImage extends ReadableImage {
  /**
   * Writes all of `source` at `offset`. `source` must not be touched until the promise
   * settles. Durable after the next flush. NO_SPACE when the pool is full.
   */
  write(offset: number, source: Uint8Array): Promise<void>;

  /**
   * The range reads as zeros again, and no whole chunk in it has an extent. Not to run beside a write to the same
   * range. Cut, or before the next flush makes it durable: some of what was there may show again. After a flush that
   * failed it is asked for anew, though the range reads as zeros.
   */
  clear(offset: number, length: number): Promise<void>;

  /** All writes that have settled, and what was cleared, are on disk. */
  flush(): Promise<void>;

  /** Durable when it settles. At most 64 KiB. */
  setMetadata(key: string, value: string): Promise<void>;
}

export const PARTIAL_PREFIX = 'entrepot.partial.';

/** INVALID for what is no UUID: nothing else ever becomes the name of an image. */
export function requireImageId(imageId: string): void {
  if (isUuid(imageId)) return;
  throw new Refusal('INVALID', `image id '${imageId}' is not a UUID in lower case`);
}
