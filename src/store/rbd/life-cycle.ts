import { Refusal } from '../../domain/refusal.ts';
import { SNAPSHOT_NAME } from '../../domain/store.ts';
import { listChildren } from './children.ts';
import type { CephConnection } from './connection.ts';
import { EBUSY, EDQUOT, EINVAL, ENOENT, ENOSPC } from './errno.ts';
import { ImageHandle } from './image-handle.ts';
import { native, type Out } from './librbd.ts';
import { listSnapshots, otherWatchers, type Snapshot, shutOut } from './listings.ts';
import { ImageNames, partialName } from './names.ts';
import { isMapValid, rebuildMap } from './object-map.ts';
import { breakOwnLock } from './own-locks.ts';
import { getMetadata, readLayout, setMetadata } from './rbd-image.ts';
import { makeSnapshot, protectedSnapshot } from './snapshot.ts';

/** layering, exclusive-lock, object-map, fast-diff, deep-flatten: Ceph's and Glance's default. */
const FEATURES = 61;
/** Objects of 4 MiB, 2^22: a chunk each. */
const OBJECT_ORDER = 22;
/**
 * Set before the first byte of an image is destroyed. An image that bears it is never resumed:
 * its metadata may claim chunks whose objects are gone.
 */
const DOOMED_KEY = 'entrepot.doomed';

/**
 * The steps between absent, partial and whole. Each begins by finding out how far an earlier
 * call came, so that any of them may be cut anywhere and called again. docs/ceph.md has the table.
 */
export class LifeCycle {
  readonly names: ImageNames;
  readonly #connection: CephConnection;

  constructor(connection: CephConnection) {
    this.#connection = connection;
    this.names = new ImageNames(connection);
  }

  /** A handle for writing on the partial image, made (anew) where needed. */
  async openPartial(imageId: string, sizeBytes: number): Promise<ImageHandle> {
    const { whole, partial } = await this.names.settle(imageId);
    if (whole !== undefined) {
      throw new Refusal(
        'ALREADY_EXISTS',
        `image ${imageId} is whole in pool '${this.#connection.pool}' already`,
      );
    }
    const left = partial === undefined ? undefined : await this.#resume(imageId, partial, sizeBytes);
    if (left !== undefined) return left;
    await this.#destroy(imageId, partial);
    return await this.#create(imageId, sizeBytes);
  }

  /** Snapshot, protect, rename. */
  async publish(imageId: string): Promise<void> {
    const { whole, partial } = await this.names.settle(imageId);
    if (whole !== undefined) return await this.#requireWhole(imageId, whole);
    if (partial === undefined) throw this.#absent(imageId);
    const handle = await this.#openForWriting(imageId, partial);
    if (handle === undefined) throw this.#absent(imageId);
    {
      await using image = handle;
      if (await this.#isDoomed(image)) throw this.#absent(imageId);
      if (!(await isMapValid(this.#connection, image))) {
        await this.#removeSnapshot(image, partial);
        await rebuildMap(this.#connection, image);
      }
      await makeSnapshot(this.#connection, image, partial);
    }
    await this.names.rename(partial, partialName(imageId), imageId);
  }

  async discard(imageId: string): Promise<void> {
    const { partial } = await this.names.settle(imageId);
    await this.#destroy(imageId, partial);
  }

  async remove(imageId: string): Promise<void> {
    const { whole, partial } = await this.names.settle(imageId);
    if (whole === undefined) return;
    await this.#requireUnused(imageId, whole);
    // Nothing we do makes both; but the name is needed now.
    if (partial !== undefined) await this.#destroy(imageId, partial);
    await this.names.rename(whole, imageId, partialName(imageId));
    try {
      await using image = await this.#openForWriting(imageId, whole);
      if (image !== undefined) await this.#releaseSnapshot(image, whole);
    } catch (error) {
      // A clone was made meanwhile, or the site went away: as it was.
      await this.names.rename(whole, partialName(imageId), imageId);
      throw error;
    }
    await this.#destroy(imageId, whole);
    // A full pool made the rename keep the old name's object.
    await this.names.settle(imageId);
  }

  /** ALREADY_EXISTS when others have given this name to an image that is not whole. */
  async #requireWhole(imageId: string, id: string): Promise<void> {
    if ((await protectedSnapshot(this.#connection, id)) !== undefined) return;
    throw new Refusal(
      'ALREADY_EXISTS',
      `an image of others is called ${imageId} in pool '${this.#connection.pool}'`,
      { hint: 'rename it, or adopt it: entrepot image adopt' },
    );
  }

  /** The leftover, ready to be written; undefined when it is unfit. */
  async #resume(imageId: string, id: string, sizeBytes: number): Promise<ImageHandle | undefined> {
    const handle = await this.#openForWriting(imageId, id);
    if (handle === undefined) return undefined;
    try {
      const layout = await readLayout(handle, this.#connection.errors);
      if (layout.sizeBytes === sizeBytes && !(await this.#isDoomed(handle))) {
        // Publishing was cut: what is written from now on has to be in the snapshot.
        await this.#removeSnapshot(handle, id);
        return handle;
      }
    } catch (error) {
      await handle[Symbol.asyncDispose]();
      throw error;
    }
    await handle[Symbol.asyncDispose]();
    return undefined;
  }

  async #create(imageId: string, sizeBytes: number): Promise<ImageHandle> {
    const { io, errors } = this.#connection;
    const name = partialName(imageId);
    const code = await native().rbd_create3(io, name, sizeBytes, FEATURES, [OBJECT_ORDER], 0, 0);
    errors.check(code, `make image ${name} of ${sizeBytes} bytes`);
    const { partial } = await this.names.find(imageId);
    const handle = partial === undefined ? undefined : await this.#openForWriting(imageId, partial);
    if (handle === undefined) throw new Refusal('INTERNAL', `image ${name} was made and is not there`);
    return handle;
  }

  /** Undefined when only the name is left of it. Dead writers are out of the way afterwards. */
  async #openForWriting(imageId: string, id: string): Promise<ImageHandle | undefined> {
    const handle = await ImageHandle.open(this.#connection, { imageId, id, access: 'write' });
    if (handle === undefined) return undefined;
    try {
      await breakOwnLock(this.#connection, imageId, id);
      await shutOut(this.#connection, await otherWatchers(this.#connection, handle));
      return handle;
    } catch (error) {
      await handle[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Removes a partial image with all it has: snapshot, data, header, name. librbd goes by way of the
   * trash, so one whose removal was cut may be in no directory any more (`listedId` undefined), and still be there.
   */
  async #destroy(imageId: string, listedId: string | undefined): Promise<void> {
    const { io, errors } = this.#connection;
    const name = partialName(imageId);
    const id = listedId ?? (await this.names.findInTrash(name));
    if (id === undefined) return;
    const isWatched = await this.#doom(imageId, id);
    const code = isWatched ? -EBUSY : await native().rbd_remove(io, name);
    // In a full pool it says that the image is not there when it cannot put it in the trash.
    const isRefused = [-EBUSY, -ENOENT, -ENOSPC, -EDQUOT].includes(code);
    if (isRefused) await this.#removeByHand(imageId, id);
    else errors.check(code, `remove image ${name}`);
  }

  /**
   * From here on it is only good for being removed, and no snapshot hinders that.
   * True when a watch is left: whoever watches has been shut out, but the OSD keeps the watch of a client that
   * died in the moment of setting it, until it next loads the object from disk.
   */
  async #doom(imageId: string, id: string): Promise<boolean> {
    const { errors } = this.#connection;
    await using handle = await this.#openForWriting(imageId, id);
    if (handle === undefined) return false;
    await this.#releaseSnapshot(handle, id);
    await handle.use((image) => setMetadata(image, DOOMED_KEY, 'yes', errors, imageId));
    await this.#removeSnapshot(handle, id);
    this.#requireNone(imageId, await listSnapshots(this.#connection, handle));
    return (await otherWatchers(this.#connection, handle)).length > 0;
  }

  /** What rbd_remove does, also where that refuses: data, header, names. Nothing of it needs space. */
  async #removeByHand(imageId: string, id: string): Promise<void> {
    const { io, errors } = this.#connection;
    const name = partialName(imageId);
    {
      await using handle = await this.#openForWriting(imageId, id);
      const emptied = await handle?.use((image) => native().rbd_resize(image, 0));
      errors.check(emptied ?? 0, `empty image ${name}`);
    }
    for (const object of [`rbd_object_map.${id}`, `rbd_header.${id}`]) {
      const removed = await native().rados_remove(io, object);
      if (removed !== -ENOENT) errors.check(removed, `remove object ${object}`);
    }
    await this.names.forget(id, name);
  }

  /** Ours, and what is left of it when removing it was cut. */
  async #removeSnapshot(handle: ImageHandle, id: string): Promise<void> {
    const { errors } = this.#connection;
    await this.#releaseSnapshot(handle, id);
    const action = `remove the snapshot of image ${handle.imageId}`;
    const code = await handle.use((image) => native().rbd_snap_remove(image, SNAPSHOT_NAME));
    if (code !== -ENOENT) errors.check(code, action);
    for (const snapshot of await listSnapshots(this.#connection, handle)) {
      if (!snapshot.isTrash) continue;
      const removed = await handle.use((image) => native().rbd_snap_remove_by_id(image, snapshot.id));
      if (removed !== -ENOENT) errors.check(removed, action);
    }
  }

  /** Unprotects. IN_USE, naming them, when clones depend on it; then it stays protected. */
  async #releaseSnapshot(handle: ImageHandle, id: string): Promise<void> {
    const { errors } = this.#connection;
    const isProtected: Out<number> = [null];
    const code = await handle.use((image) =>
      native().rbd_snap_is_protected(image, SNAPSHOT_NAME, isProtected),
    );
    if (code === -ENOENT) return;
    errors.check(code, `look at the snapshot of image ${handle.imageId}`);
    if (isProtected[0] === 1) {
      const freed = await handle.use((image) => native().rbd_snap_unprotect(image, SNAPSHOT_NAME));
      if (freed === -EBUSY) throw await this.#inUse(handle.imageId, id);
      if (freed !== -EINVAL) errors.check(freed, `unprotect the snapshot of image ${handle.imageId}`);
    }
    // Clones of the new kind do not hinder unprotecting, nor removing: the snapshot would go to the trash.
    if ((await listChildren(this.#connection, handle.imageId, id)).length === 0) return;
    await handle.use((image) => native().rbd_snap_protect(image, SNAPSHOT_NAME));
    throw await this.#inUse(handle.imageId, id);
  }

  /**
   * IN_USE when clones depend on the whole image, it has snapshots that are not ours, or somebody has it open for
   * writing or mapped: we never do, under this name.
   */
  async #requireUnused(imageId: string, id: string): Promise<void> {
    if ((await listChildren(this.#connection, imageId, id)).length > 0) throw await this.#inUse(imageId, id);
    await using handle = await ImageHandle.open(this.#connection, { imageId, id, access: 'read' });
    if (handle === undefined) return;
    const snapshots = await listSnapshots(this.#connection, handle);
    this.#requireNone(
      imageId,
      snapshots.filter(({ name, isTrash }) => name !== SNAPSHOT_NAME && !isTrash),
    );
    const watchers = await otherWatchers(this.#connection, handle);
    if (watchers.length === 0) return;
    const where = watchers.map(({ address }) => address).join(', ');
    throw new Refusal('IN_USE', `image ${imageId} is open at ${where}`, {
      hint: `rbd status ${this.#connection.pool}/${imageId}`,
    });
  }

  #requireNone(imageId: string, snapshots: readonly Snapshot[]): void {
    if (snapshots.length === 0) return;
    const names = snapshots.map(({ name }) => name).join(', ');
    throw new Refusal('IN_USE', `image ${imageId} has snapshots of others: ${names}`, {
      hint: 'rbd snap ls shows them, rbd snap rm removes them',
    });
  }

  async #inUse(imageId: string, id: string): Promise<Refusal> {
    const children = await listChildren(this.#connection, imageId, id);
    return new Refusal(
      'IN_USE',
      `clones depend on image ${imageId}: ${children.join(', ') || 'not known which'}`,
      {
        hint: 'flatten them (rbd flatten) or delete them first',
      },
    );
  }

  #isDoomed(handle: ImageHandle): Promise<boolean> {
    const { errors } = this.#connection;
    return handle.use(
      async (image) => (await getMetadata(image, DOOMED_KEY, errors, handle.imageId)) !== undefined,
    );
  }

  #absent(imageId: string): Refusal {
    return new Refusal(
      'NOT_FOUND',
      `there is no partial image ${imageId} in pool '${this.#connection.pool}'`,
    );
  }
}
