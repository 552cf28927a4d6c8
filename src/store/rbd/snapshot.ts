import { Refusal } from '../../domain/refusal.ts';
import { SNAPSHOT_NAME } from '../../domain/store.ts';
import type { CephConnection, PoolAccess } from './connection.ts';
import { Decoder, encodedInt64 } from './encoding.ts';
import { EBUSY, EEXIST, ENOENT } from './errno.ts';
import { ImageHandle } from './image-handle.ts';
import { native } from './librbd.ts';
import { isMapValid, rebuildMap } from './object-map.ts';

/** RBD_PROTECTION_STATUS_PROTECTED */
const PROTECTED = 2;

/** `snap`, readable and protected; what of it is there already stays. Nobody else uses the handle meanwhile. */
export async function makeSnapshot(
  connection: CephConnection,
  handle: ImageHandle,
  id: string,
): Promise<void> {
  const { errors } = connection;
  const what = `the snapshot of image ${handle.imageId}`;
  const made = await handle.use((image) => native().rbd_snap_create(image, SNAPSHOT_NAME));
  if (made !== -EEXIST) errors.check(made, `make ${what}`);
  await makeReadable(connection, handle, id);
  const safe = await handle.use((image) => native().rbd_snap_protect(image, SNAPSHOT_NAME));
  if (safe !== -EBUSY) errors.check(safe, `protect ${what}`);
}

/** Whether others can open `snap`, which takes a sound object map: that is tried here, not believed. */
export async function isReadable(connection: CephConnection, imageId: string, id: string): Promise<boolean> {
  const options = { imageId, id, access: 'read', snapshot: SNAPSHOT_NAME } as const;
  await using image = await ImageHandle.open(connection, options);
  return image !== undefined && (await isMapValid(connection, image));
}

/**
 * librbd makes a snapshot first and its object map after it. Where it was cut in between, or the pool filled up,
 * of which it says nothing, the snapshot is there and neither `rbd` nor a clone can open it.
 */
async function makeReadable(connection: CephConnection, handle: ImageHandle, id: string): Promise<void> {
  const { imageId } = handle;
  if (await isReadable(connection, imageId, id)) return;
  await requireSpace(connection, imageId);
  await rebuildMap(connection, handle, SNAPSHOT_NAME);
  if (await isReadable(connection, imageId, id)) return;
  throw new Refusal('INTERNAL', `the snapshot of image ${imageId} was made and cannot be opened`);
}

/** NO_SPACE when the pool takes nothing more. */
async function requireSpace({ io, errors }: CephConnection, imageId: string): Promise<void> {
  const object = `entrepot.probe.${imageId}`;
  const code = await native().rados_write_full(io, object, Buffer.from('?'), 1);
  errors.check(code, `make the snapshot of image ${imageId}`);
  await native().rados_remove(io, object);
}

/**
 * The protected snapshot `snap` of an image, from its header, without opening it: some short
 * requests to one OSD. Undefined when it has none, or is gone.
 */
export async function protectedSnapshot(
  access: PoolAccess,
  id: string,
): Promise<{ readonly sizeBytes: number } | undefined> {
  for (const snapshotId of await snapshotIds(access, id)) {
    const name = await askHeader(access, id, 'get_snapshot_name', snapshotId);
    if (name?.string() !== SNAPSHOT_NAME) continue;
    const status = await askHeader(access, id, 'get_protection_status', snapshotId);
    const size = await askHeader(access, id, 'get_size', snapshotId);
    if (size === undefined || status?.uint8() !== PROTECTED) return undefined;
    size.uint8();
    return { sizeBytes: size.int64() };
  }
  return undefined;
}

async function snapshotIds(access: PoolAccess, id: string): Promise<number[]> {
  const { code, data } = await access.exec(`rbd_header.${id}`, 'get_snapcontext', Buffer.alloc(0));
  if (code === -ENOENT) return [];
  access.errors.check(code, `list the snapshots of image ${id}`);
  const decoder = new Decoder(data);
  decoder.int64();
  return decoder.list(() => decoder.int64());
}

/** Undefined when image or snapshot are gone. */
export async function askHeader(
  access: PoolAccess,
  id: string,
  method: string,
  snapshotId: number | bigint,
): Promise<Decoder | undefined> {
  const { code, data } = await access.exec(`rbd_header.${id}`, method, encodedInt64(snapshotId));
  if (code === -ENOENT) return undefined;
  access.errors.check(code, `read the header of image ${id} (${method})`);
  return new Decoder(data);
}
