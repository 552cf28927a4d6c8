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
import type { CephConnection } from './connection.ts';
import { findId, inPool, type Looked, look, noImage } from './foreign.ts';
import { MARK_KEY, mark, readHeaderMetadata, writeHeaderMetadata } from './header-metadata.ts';
import { ImageHandle } from './image-handle.ts';
import type { LifeCycle } from './life-cycle.ts';
import { shutOut } from './listings.ts';
import { isMapValid, rebuildMap } from './object-map.ts';
import { breakLockOf, breakOwnLock } from './own-locks.ts';
import { requireMetadata, setMetadata } from './rbd-image.ts';
import { isReadable, makeSnapshot, protectedSnapshot } from './snapshot.ts';

/** Set before an image is renamed: by it a call that is repeated knows its own work. */
const ADOPTED_FROM_KEY = 'entrepot.adopted-from';

/** What the store lends. */
export interface RbdAdoptionParts {
  readonly connection: CephConnection;
  readonly lifeCycle: LifeCycle;
  /** While the store is open, and after whatever else is done under that key. */
  readonly inTurn: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** IN_USE while this agent writes the partial image. */
  readonly requireClosed: (imageId: string) => void;
  /** An image to read from a handle, which is closed with the store at the latest. */
  readonly lend: (handle: ImageHandle) => Promise<ReadableImage>;
}

/** See docs/ceph.md for the steps and what a crash in between leaves. */
export class RbdAdoption implements Adoption {
  readonly #parts: RbdAdoptionParts;

  constructor(parts: RbdAdoptionParts) {
    this.#parts = parts;
  }

  async examine(name: ForeignName, signal?: AbortSignal): Promise<Found> {
    requireForeignName(name);
    signal?.throwIfAborted();
    return await this.#parts.inTurn(turnOf(name), async () => {
      signal?.throwIfAborted();
      return await this.#examine(name);
    });
  }

  async adopt(name: ForeignName, imageId: string, { move }: { readonly move: boolean }): Promise<void> {
    requireForeignName(name);
    requireImageId(imageId);
    const { inTurn, requireClosed } = this.#parts;
    // Always in this order, so that two of them cannot wait for each other.
    await inTurn(imageId, () =>
      inTurn(turnOf(name), async () => {
        requireClosed(imageId);
        await this.#adopt(name, imageId, move);
      }),
    );
  }

  async open(name: ForeignName): Promise<ReadableImage> {
    requireForeignName(name);
    const { connection, inTurn, lend } = this.#parts;
    return await inTurn(turnOf(name), () =>
      inPool(connection, name.pool, async (access) => {
        const id = await findId(access, name.image);
        if (id === undefined) throw noImage(name);
        const { found } = await look(connection, access, name, id);
        if (!found.hasSnap) requireNotOpen(name, found.openAt, openHint(name));
        const handle = await ImageHandle.open(access, {
          imageId: nameText(name),
          id,
          access: 'read',
          ...(found.hasSnap ? { snapshot: SNAPSHOT_NAME } : {}),
        });
        if (handle === undefined) throw noImage(name);
        // librbd keeps what it needs of the pool; that the access ends here does not matter to it.
        return await lend(handle);
      }),
    );
  }

  async describe(imageId: string, entries: Readonly<Record<string, string>>): Promise<void> {
    requireImageId(imageId);
    for (const [key, value] of Object.entries(entries)) requireMetadata(key, value);
    const { connection, lifeCycle, inTurn } = this.#parts;
    await inTurn(imageId, async () => {
      const { whole } = await lifeCycle.names.find(imageId);
      if (whole === undefined || (await protectedSnapshot(connection, whole)) === undefined) {
        throw new Refusal('NOT_FOUND', `there is no whole image ${imageId} in pool '${connection.pool}'`);
      }
      await writeHeaderMetadata(connection, whole, entries);
    });
  }

  async #examine(name: ForeignName): Promise<Found> {
    const { connection } = this.#parts;
    return await inPool(connection, name.pool, async (access) => {
      const id = await findId(access, name.image);
      if (id === undefined) throw noImage(name);
      return (await look(connection, access, name, id)).found;
    });
  }

  async #adopt(name: ForeignName, imageId: string, move: boolean): Promise<void> {
    const { connection, lifeCycle } = this.#parts;
    if (name.pool !== connection.pool) {
      throw onlyByCopying(name, await this.#examine(name), imageId, move) ?? noImage(name);
    }
    const { whole, partial } = await lifeCycle.names.settle(imageId);
    const id = await this.#source(name, imageId, whole);
    const looked = await look(connection, connection, name, id);
    const refusal = onlyByCopying(name, looked.found, imageId, move);
    if (refusal !== undefined) throw refusal;
    requireNotOpen(name, looked.found.openAt, openHint(name));
    if (partial !== undefined) await lifeCycle.discard(imageId);
    const isWhole = looked.found.snapProtected && (await isReadable(connection, nameText(name), id));
    if (!isWhole) await this.#snapshot(name, id, looked);
    if (name.image === imageId) return;
    if (id !== whole) {
      await writeHeaderMetadata(connection, id, { [ADOPTED_FROM_KEY]: nameText(name) });
      await lifeCycle.names.rename(id, name.image, imageId);
    }
    await lifeCycle.names.dropOldName(id, name.image);
  }

  /** Ceph's id of what is to be adopted, under its old name or, after a call that was cut, its new one. */
  async #source(name: ForeignName, imageId: string, whole: string | undefined): Promise<string> {
    const { connection } = this.#parts;
    const source = name.image === imageId ? whole : await findId(connection, name.image);
    if (source === undefined) {
      if (whole === undefined) throw noImage(name);
      if ((await readHeaderMetadata(connection, whole, ADOPTED_FROM_KEY)) !== nameText(name))
        throw noImage(name);
      return whole;
    }
    if (whole === undefined || whole === source) return source;
    throw new Refusal('ALREADY_EXISTS', `another image is called ${imageId} in pool '${connection.pool}'`, {
      hint: `rbd info ${connection.pool}/${imageId}`,
    });
  }

  /** A readable, protected `snap` on an image that nobody has open. */
  async #snapshot(name: ForeignName, id: string, { found, former }: Looked): Promise<void> {
    const { connection } = this.#parts;
    const { errors } = connection;
    const imageId = nameText(name);
    await shutOut(connection, former.watchers);
    for (const clientId of former.clientIds) await breakLockOf(connection, imageId, id, clientId);
    const marks = await mark(connection, id);
    await using handle = await ImageHandle.open(connection, { imageId, id, access: 'write' });
    if (handle === undefined) throw noImage(name);
    await breakOwnLock(connection, imageId, id);
    // From here on whoever opens it finds our watch; who came before it is found now.
    const again = await look(connection, connection, name, id);
    requireNotOpen(name, again.found.openAt, openHint(name));
    // Takes the lock, and only then does librbd look at the object map. A snapshot's is a copy of it: with one that
    // is not valid the snapshot could not be opened.
    await handle.use((image) => setMetadata(image, MARK_KEY, marks, errors, imageId));
    if (!found.hasSnap && !(await isMapValid(connection, handle))) await rebuildMap(connection, handle);
    await makeSnapshot(connection, handle, id);
  }
}

/** Not an image id, which is a key of its own: an adoption waits under both. */
function turnOf(name: ForeignName): string {
  return `foreign ${nameText(name)}`;
}

function openHint(name: ForeignName): string {
  return `stop the machine that uses it; rbd status ${nameText(name)} and rbd lock ls ${nameText(name)} show who does`;
}
