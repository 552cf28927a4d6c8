import type { CephConnection, PoolAccess } from './connection.ts';
import { ERANGE } from './errno.ts';
import type { ImageHandle } from './image-handle.ts';
import {
  decodeSnapshots,
  decodeWatchers,
  native,
  type Out,
  type Pointer,
  SNAPSHOT_BYTES,
  WATCHER_BYTES,
} from './librbd.ts';

const FIRST_ROOM = 16;
/** RBD_SNAP_NAMESPACE_TYPE_TRASH */
const TRASH_NAMESPACE = 2;

/** A client that holds an image open for writing, or mapped. */
export interface Watcher {
  /** Its number in `client.4711`; the cluster never gives it twice. */
  readonly clientId: number;
  /** As the blocklist takes it. */
  readonly address: string;
}

/** All but this connection itself. */
export async function otherWatchers(connection: PoolAccess, handle: ImageHandle): Promise<Watcher[]> {
  return await handle.use(async (image) => {
    for (let room = FIRST_ROOM; ; ) {
      const buffer = Buffer.alloc(room * WATCHER_BYTES);
      const count: [number] = [room];
      const code = await native().rbd_watchers_list(image, buffer, count);
      if (code !== -ERANGE) {
        connection.errors.check(code, `list who watches image ${handle.imageId}`);
        const watchers = decodeWatchers(buffer, count[0]);
        await native().rbd_watchers_list_cleanup(buffer, count[0]);
        return watchers.filter(({ clientId }) => clientId !== connection.clientId);
      }
      room = Math.max(count[0], room * 2);
    }
  });
}

/**
 * For former selves, which died without letting go of an image. Their watch would keep it from being
 * removed, and their lock from being written, until the OSDs miss them after 30 seconds. Shut out
 * (blocklisted), they lose the watch at once, and librbd takes the lock of a holder without a watch.
 * Should one live after all, because two agents serve one store, it is the one that fails.
 */
export async function shutOut(connection: CephConnection, watchers: readonly Watcher[]): Promise<void> {
  for (const { address } of watchers) await connection.shutOut(address);
}

export interface Snapshot {
  readonly id: number;
  readonly name: string;
  /** librbd was removing it when it was cut; its name is no longer what it was. */
  readonly isTrash: boolean;
}

export async function listSnapshots(connection: PoolAccess, handle: ImageHandle): Promise<Snapshot[]> {
  const action = `list the snapshots of image ${handle.imageId}`;
  return await handle.use(async (image) => {
    for (let room = FIRST_ROOM; ; ) {
      const buffer = Buffer.alloc(room * SNAPSHOT_BYTES);
      const count: [number] = [room];
      const code = await native().rbd_snap_list(image, buffer, count);
      if (code !== -ERANGE) {
        connection.errors.check(code, action);
        const found = decodeSnapshots(buffer, code);
        if (code > 0) await native().rbd_snap_list_end(buffer);
        return await Promise.all(
          found.map(async ({ id, name }) => ({ id, name, isTrash: await isTrash(image, id) })),
        );
      }
      room = Math.max(count[0], room * 2);
    }
  });

  async function isTrash(image: Pointer, id: number): Promise<boolean> {
    const type: Out<number> = [null];
    connection.errors.check(await native().rbd_snap_get_namespace_type(image, id, type), action);
    return type[0] === TRASH_NAMESPACE;
  }
}
