import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../domain/refusal.ts';
import { SNAPSHOT_NAME } from '../../domain/store.ts';
import {
  type Adoption,
  type ForeignName,
  type Found,
  nameText,
  onlyByCopying,
  requireForeignName,
  requireNotOpen,
} from '../adoption.ts';
import { type ReadableImage, requireImageId } from '../store.ts';
import { removeFile, syncFolder } from './durable.ts';
import { attempt, unlessAbsent } from './errno.ts';
import { fileStat, isProtected, openIfThere, PROTECTED } from './files.ts';
import type { Layout } from './layout.ts';
import type { Sidecar } from './sidecar.ts';
import { writersOf } from './writers.ts';

/** Set before an image gets its new name: by it a call that is repeated knows its own work. */
const ADOPTED_FROM_KEY = 'entrepot.adopted-from';

/** What the store lends. */
export interface FileAdoptionParts {
  readonly layout: Layout;
  /** A change of an image, one at a time and while the store is open. `doing` completes "cannot ...". */
  readonly change: <T>(imageId: string, doing: string, work: () => Promise<T>) => Promise<T>;
  readonly sidecarOf: (imageId: string) => Sidecar;
  readonly unlinkPartial: (imageId: string) => Promise<void>;
  /** The image takes up so much of the quota. */
  readonly count: (imageId: string, allocatedBytes: number) => void;
  readonly lend: (name: string, sizeBytes: number, handle: FileHandle) => ReadableImage;
  /** UNAVAILABLE when the store is not open. */
  readonly requireOpen: () => void;
}

/** A raw file `<folder>/<pool>/<name>` that somebody has put there; mode 0444 is its protected snapshot. */
export class FileAdoption implements Adoption {
  readonly #parts: FileAdoptionParts;

  constructor(parts: FileAdoptionParts) {
    this.#parts = parts;
  }

  async examine(name: ForeignName, signal?: AbortSignal): Promise<Found> {
    const path = this.#path(name);
    signal?.throwIfAborted();
    return await attempt(`look at image ${nameText(name)}`, async () => {
      const stat = await fileStat(path);
      if (stat === undefined) throw await this.#absent(name);
      return this.#found(name, stat, await writersOf(stat));
    });
  }

  async adopt(name: ForeignName, imageId: string, { move }: { readonly move: boolean }): Promise<void> {
    const path = this.#path(name);
    requireImageId(imageId);
    await this.#parts.change(imageId, `adopt image ${nameText(name)} as`, async () => {
      const whole = await fileStat(this.#parts.layout.whole(imageId));
      const source = await fileStat(path);
      if (source !== undefined) await this.#adopt(name, { imageId, move, source, whole });
      else if (whole === undefined || !(await this.#isOurWork(imageId, name))) throw await this.#absent(name);
      // The call that did it may have been cut before the name was on disk.
      await syncFolder(this.#parts.layout.poolFolder);
    });
  }

  async open(name: ForeignName): Promise<ReadableImage> {
    const path = this.#path(name);
    return await attempt(`open image ${nameText(name)}`, async () => {
      const handle = await openIfThere(path, constants.O_RDONLY);
      if (handle === undefined) throw await this.#absent(name);
      try {
        const stat = await handle.stat();
        if (!stat.isFile()) throw await this.#absent(name);
        if (!isProtected(stat)) requireNotOpen(name, await writersOf(stat), OPEN_HINT);
        return this.#parts.lend(nameText(name), stat.size, handle);
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async describe(imageId: string, entries: Readonly<Record<string, string>>): Promise<void> {
    const { layout, sidecarOf, change } = this.#parts;
    requireImageId(imageId);
    await change(imageId, 'set the metadata of image', async () => {
      const stat = await fileStat(layout.whole(imageId));
      if (stat === undefined || !isProtected(stat)) {
        throw new Refusal('NOT_FOUND', `no whole image ${imageId} in this store`);
      }
      await sidecarOf(imageId).setAll(entries);
    });
  }

  async #adopt(name: ForeignName, work: Work): Promise<void> {
    const { layout, sidecarOf, unlinkPartial, count } = this.#parts;
    const { imageId, move, source, whole } = work;
    const openAt = await writersOf(source);
    const refusal = onlyByCopying(name, this.#found(name, source, openAt), imageId, move);
    if (refusal !== undefined) throw refusal;
    const isSame = whole?.ino === source.ino && whole.dev === source.dev;
    if (whole !== undefined && !isSame) {
      throw new Refusal('ALREADY_EXISTS', `another image is called ${imageId} in this store`);
    }
    requireNotOpen(name, openAt, OPEN_HINT);
    if (!(isSame && isProtected(source))) {
      // What a partial, or an image that is gone, has left would be taken for this one's.
      await unlinkPartial(imageId);
      await protect(this.#path(name));
    }
    if (name.image !== imageId) {
      await sidecarOf(imageId).set(ADOPTED_FROM_KEY, nameText(name));
      // As a rename in two steps: a rename would replace an image that got the name meanwhile.
      if (!isSame) await link(this.#path(name), layout.whole(imageId));
      await syncFolder(layout.poolFolder);
      await removeFile(this.#path(name));
    }
    count(imageId, source.blocks * 512);
  }

  async #isOurWork(imageId: string, name: ForeignName): Promise<boolean> {
    return (await this.#parts.sidecarOf(imageId).get(ADOPTED_FROM_KEY)) === nameText(name);
  }

  #found(name: ForeignName, stat: Stats, openAt: readonly string[]): Found {
    const hasSnap = isProtected(stat);
    return {
      sizeBytes: stat.size,
      snapshots: hasSnap ? [{ name: SNAPSHOT_NAME, isProtected: true }] : [],
      parent: undefined,
      hasSnap,
      snapProtected: hasSnap,
      openAt,
      inStorePool: name.pool === this.#parts.layout.pool,
    };
  }

  async #absent(name: ForeignName): Promise<Refusal> {
    const { layout } = this.#parts;
    const pool = await unlessAbsent(lstat(layout.folderOf(name.pool)), undefined);
    return pool?.isDirectory()
      ? new Refusal('NOT_FOUND', `there is no image ${nameText(name)}: no file of that name in the pool`)
      : new Refusal('INVALID', `there is no pool '${name.pool}' in ${layout.folder}`, {
          hint: 'a pool is a folder inside that of the store',
        });
  }

  #path(name: ForeignName): string {
    requireForeignName(name);
    this.#parts.requireOpen();
    return join(this.#parts.layout.folderOf(name.pool), name.image);
  }
}

interface Work {
  readonly imageId: string;
  readonly move: boolean;
  readonly source: Stats;
  readonly whole: Stats | undefined;
}

/** Its data is on disk before the mark is. */
async function protect(path: string): Promise<void> {
  await using handle = await openIfThere(path, constants.O_RDONLY);
  await handle?.sync();
  await handle?.chmod(PROTECTED);
  await handle?.sync();
}

const OPEN_HINT = 'end the processes that write the file';
