import { constants } from 'node:fs';
import { chmod, type FileHandle, open, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Refusal } from '../../domain/refusal.ts';
import type { PartialImage, ReadableImage, Space, Store, StoredImage } from '../store.ts';
import { FileAdoption } from './adoption.ts';
import { makeFolder, removeFile, syncFolder } from './durable.ts';
import { attempt, unlessAbsent } from './errno.ts';
import { ImageFile, type ImageParts, PartialImageFile } from './file-image.ts';
import { exists, fileStat, isProtected, openIfThere, PROTECTED, WRITABLE } from './files.ts';
import { keptFsid } from './fsid.ts';
import { findImages } from './inventory.ts';
import { Layout } from './layout.ts';
import { takeLock } from './lock.ts';
import { Quota } from './quota.ts';
import { Sidecar } from './sidecar.ts';
import { Turns } from './turns.ts';

export interface FileStoreOptions {
  /** The "cluster": made with mode 0700 when it is missing. One process at a time serves it. */
  readonly folder: string;
  /** A folder inside it, made when it is missing. */
  readonly pool: string;
  /** Most bytes the images of the pool may take up on disk. Default: what the file system has. */
  readonly quotaBytes?: number | undefined;
}

interface Started {
  readonly fsid: string;
  readonly lock: FileHandle;
}

/**
 * The embedded driver: sparse files in a folder (layout.ts has the names), with the life
 * cycle images have in a pool of Ceph. Every step that matters to a crash is one rename;
 * the comments at the steps say what a cut leaves.
 */
export class FileStore implements Store {
  readonly driver = 'file';
  readonly adoption: FileAdoption;
  readonly #layout: Layout;
  readonly #quota: Quota | undefined;
  /** One change at a time per image, and one of metadata. */
  readonly #turns = new Turns();
  readonly #open = new Set<ImageFile>();
  #started: Started | undefined;

  constructor(options: FileStoreOptions) {
    this.#layout = new Layout(resolve(options.folder), options.pool);
    this.#quota = options.quotaBytes === undefined ? undefined : new Quota(options.quotaBytes);
    this.adoption = new FileAdoption({
      layout: this.#layout,
      change: (imageId, doing, work) => this.#change(imageId, doing, work),
      sidecarOf: (imageId) => this.#sidecar(imageId),
      unlinkPartial: (imageId) => this.#unlinkPartial(imageId),
      count: (imageId, bytes) => this.#quota?.record(imageId, bytes),
      lend: (name, sizeBytes, handle) => this.#lend(name, sizeBytes, handle),
      requireOpen: () => void this.#required(),
    });
  }

  async start(): Promise<void> {
    if (this.#started !== undefined) return;
    const layout = this.#layout;
    layout.requirePoolName();
    await attempt(`open the store in ${layout.folder}`, async () => {
      await makeFolder(layout.folder);
      const lock = await takeLock(layout.lock, `store folder ${layout.folder}`);
      try {
        const fsid = await keptFsid(layout.identity);
        await makeFolder(layout.poolFolder);
        await syncFolder(layout.folder);
        for (const image of await findImages(this.#layout))
          this.#quota?.record(image.imageId, image.allocatedBytes);
        this.#started = { fsid, lock };
      } catch (error) {
        await lock.close();
        throw error;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    this.#started = undefined;
    await this.#turns.idle();
    await Promise.all([...this.#open].map((image) => image[Symbol.asyncDispose]()));
    // Last: another process may have the folder from here on.
    await started.lock.close();
  }

  async identity(): Promise<{ readonly fsid: string; readonly pool: string }> {
    return { fsid: this.#required().fsid, pool: this.#layout.pool };
  }

  async space(): Promise<Space | undefined> {
    this.#required();
    const { blocks, bavail, bsize } = await attempt('tell the free space', () =>
      statfs(this.#layout.poolFolder),
    );
    const disk = { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    if (this.#quota === undefined) return disk;
    return {
      totalBytes: Math.min(disk.totalBytes, this.#quota.limitBytes),
      freeBytes: Math.min(disk.freeBytes, this.#quota.freeBytes),
    };
  }

  async list(): Promise<StoredImage[]> {
    this.#required();
    const images = await attempt('list the images', () => findImages(this.#layout));
    return images.map(({ imageId, form, sizeBytes }) => ({ imageId, form, sizeBytes }));
  }

  async openPartial(imageId: string, sizeBytes: number): Promise<PartialImage> {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new Refusal('INVALID', `image size ${sizeBytes} is not a number of bytes`);
    }
    return await this.#change(imageId, 'open the partial image', async () => {
      if (await exists(this.#layout.whole(imageId))) {
        throw new Refusal('ALREADY_EXISTS', `image ${imageId} is whole in this store already`);
      }
      const handle =
        (await this.#openLeftover(imageId, sizeBytes)) ?? (await this.#makePartial(imageId, sizeBytes));
      const parts = { ...this.#parts(imageId, sizeBytes, handle), sidecar: this.#sidecar(imageId) };
      const partial = new PartialImageFile(parts, this.#quota);
      this.#open.add(partial);
      return partial;
    });
  }

  async openWhole(imageId: string): Promise<ReadableImage> {
    this.#required();
    return await this.#turns.take(imageId, () =>
      attempt(`open image ${imageId}`, async () => {
        const handle = await openIfThere(this.#layout.whole(imageId), constants.O_RDONLY);
        if (handle === undefined) throw absent(imageId, 'no whole image');
        const stat = await handle.stat();
        if (isProtected(stat)) return this.#lend(imageId, stat.size, handle, this.#sidecar(imageId));
        await handle.close();
        throw new Refusal('NOT_FOUND', `image ${imageId} is not protected: its file can be written`, {
          hint: 'not made by Entrepot? entrepot image adopt makes it a whole image',
        });
      }),
    );
  }

  async publish(imageId: string): Promise<void> {
    await this.#change(imageId, 'publish the image', async () => {
      const whole = await fileStat(this.#layout.whole(imageId));
      if (whole !== undefined && !isProtected(whole)) throw nameTaken(imageId);
      // Whole already: the call that renamed it may have been cut before the name was on disk.
      if (whole !== undefined) return await syncFolder(this.#layout.poolFolder);
      {
        await using handle = await openIfThere(this.#layout.partial(imageId), constants.O_RDONLY);
        if (handle === undefined) throw absent(imageId, 'no partial image');
        await handle.sync();
        // Cut here: a partial still. Cut after: one with the mark, which opening it takes off.
        await handle.chmod(PROTECTED);
        await handle.sync();
      }
      await rename(this.#layout.partial(imageId), this.#layout.whole(imageId));
      await syncFolder(this.#layout.poolFolder);
    });
  }

  async discard(imageId: string): Promise<void> {
    await this.#change(imageId, 'discard the partial image', async () => {
      // Its metadata has the same name in both states.
      if (await exists(this.#layout.whole(imageId))) return;
      await this.#unlinkPartial(imageId);
    });
  }

  async remove(imageId: string): Promise<void> {
    await this.#change(imageId, 'remove the image', async () => {
      if (!(await exists(this.#layout.whole(imageId)))) {
        // Nothing to remove, but for the metadata an earlier call may have left.
        if (!(await exists(this.#layout.partial(imageId)))) await removeFile(this.#layout.sidecar(imageId));
        return;
      }
      const clones = await this.#clones(imageId);
      if (clones.length > 0) {
        throw new Refusal('IN_USE', `image ${imageId} has clones in this store: ${clones.join(', ')}`, {
          rule: 'R8',
          hint: 'remove or flatten the clones first',
        });
      }
      // From this rename on it is no longer whole, whatever happens: readers elsewhere never see half of it.
      await rename(this.#layout.whole(imageId), this.#layout.partial(imageId));
      await syncFolder(this.#layout.poolFolder);
      await this.#unlinkPartial(imageId);
      await rmdir(this.#layout.clones(imageId)).catch(() => undefined);
    });
  }

  async children(imageId: string): Promise<string[]> {
    this.#required();
    return await attempt('list the clones', async () =>
      (await exists(this.#layout.whole(imageId))) ? await this.#clones(imageId) : [],
    );
  }

  /** A leftover of the right size, writable again. */
  async #openLeftover(imageId: string, sizeBytes: number): Promise<FileHandle | undefined> {
    const path = this.#layout.partial(imageId);
    const size = (await fileStat(path))?.size;
    if (size === sizeBytes) {
      await chmod(path, WRITABLE);
      return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    }
    if (size !== undefined) await this.#unlinkPartial(imageId);
    return undefined;
  }

  async #makePartial(imageId: string, sizeBytes: number): Promise<FileHandle> {
    // Before the image is there: a checkpoint of another image's data must never be believed.
    await removeFile(this.#layout.sidecar(imageId));
    await syncFolder(this.#layout.poolFolder);
    const handle = await open(this.#layout.partial(imageId), 'wx+', WRITABLE);
    try {
      // Cut before this: a partial of no bytes, made anew the next time.
      await handle.truncate(sizeBytes);
      await handle.sync();
      await syncFolder(this.#layout.poolFolder);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #unlinkPartial(imageId: string): Promise<void> {
    await rm(this.#layout.partial(imageId), { force: true });
    this.#quota?.forget(imageId);
    await syncFolder(this.#layout.poolFolder);
    // Cut before this: metadata without an image, which counts for nothing.
    await removeFile(this.#layout.sidecar(imageId));
  }

  async #clones(imageId: string): Promise<string[]> {
    const names = await unlessAbsent(readdir(this.#layout.clones(imageId)), []);
    return names.map((name) => `${this.#layout.pool}/${name}`);
  }

  /**
   * A change of the image's state, one at a time. A writer that is still open is closed
   * first: it must not write into what is published or replaced.
   */
  async #change<T>(imageId: string, doing: string, work: () => Promise<T>): Promise<T> {
    this.#required();
    return await this.#turns.take(imageId, () =>
      attempt(`${doing} ${imageId}`, async () => {
        for (const image of this.#open) {
          if (image instanceof PartialImageFile && image.imageId === imageId)
            await image[Symbol.asyncDispose]();
        }
        return await work();
      }),
    );
  }

  /** For reading; closed with the store at the latest. Without a sidecar it has no metadata. */
  #lend(imageId: string, sizeBytes: number, handle: FileHandle, sidecar?: Sidecar): ImageFile {
    const image = new ImageFile({ ...this.#parts(imageId, sizeBytes, handle), sidecar });
    this.#open.add(image);
    return image;
  }

  #parts(imageId: string, sizeBytes: number, handle: FileHandle): Omit<ImageParts, 'sidecar'> {
    return { imageId, sizeBytes, handle, onClosed: (image) => this.#open.delete(image) };
  }

  #sidecar(imageId: string): Sidecar {
    return new Sidecar(this.#layout.sidecar(imageId), this.#turns);
  }

  #required(): Started {
    if (this.#started !== undefined) return this.#started;
    throw new Refusal('UNAVAILABLE', 'the store is not open');
  }
}

function nameTaken(imageId: string): Refusal {
  return new Refusal('ALREADY_EXISTS', `a file of others is called ${imageId} in this store`, {
    hint: 'move it away, or adopt it: entrepot image adopt',
  });
}

function absent(imageId: string, what: string): Refusal {
  return new Refusal('NOT_FOUND', `${what} ${imageId} in this store`);
}
