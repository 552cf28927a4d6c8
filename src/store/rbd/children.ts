import { SNAPSHOT_NAME } from '../../domain/store.ts';
import type { CephConnection } from './connection.ts';
import { Decoder, encodedInt64, encodedString } from './encoding.ts';
import { EACCES, ENOENT, EPERM } from './errno.ts';
import { ImageHandle } from './image-handle.ts';
import { native, type Out, type Pointer } from './librbd.ts';

interface Child {
  readonly poolId: number;
  readonly pool: string;
  readonly namespace: string;
  readonly id: string;
}

/**
 * Clones of an image's snapshot in all pools, as `pool/name`. librbd's own list fails as a whole
 * when one child lies in a pool that this client may not read, which is the usual case
 * (volumes are Cinder's); so the two places that know are asked directly. Clones of the new kind
 * are noted at the parent's header, of the old kind in each pool's `rbd_children`, which the profile
 * `rbd` may read everywhere. A child whose name may not be read is named `pool/id:<its id>`.
 */
export async function listChildren(
  connection: CephConnection,
  imageId: string,
  id: string,
): Promise<string[]> {
  const snapshotId = await readSnapshotId(connection, imageId, id);
  if (snapshotId === undefined) return [];
  const pools = await connection.pools();
  const ownPool = [...pools].find(([, name]) => name === connection.pool)?.[0] ?? -1;
  const newKind = await attachedChildren(connection, id, snapshotId, pools);
  const parent = Buffer.concat([encodedInt64(ownPool), encodedString(id), encodedInt64(snapshotId)]);
  const oldKind: Child[] = [];
  for (const [poolId, pool] of pools) {
    const found = await connection.withPool(pool, (io) => notedChildren(connection, io, parent));
    for (const childId of found ?? []) oldKind.push({ poolId, pool, namespace: '', id: childId });
  }
  const names: string[] = [];
  for (const child of [...newKind, ...oldKind]) names.push(await nameOf(connection, child));
  return names.sort();
}

async function readSnapshotId(
  connection: CephConnection,
  imageId: string,
  id: string,
): Promise<number | undefined> {
  await using handle = await ImageHandle.open(connection, { imageId, id, access: 'read' });
  if (handle === undefined) return undefined;
  const snapshotId: Out<number> = [null];
  const code = await handle.use((image) => native().rbd_snap_get_id(image, SNAPSHOT_NAME, snapshotId));
  if (code === -ENOENT) return undefined;
  connection.errors.check(code, `look up the snapshot of image ${imageId}`);
  return snapshotId[0] ?? undefined;
}

async function attachedChildren(
  connection: CephConnection,
  id: string,
  snapshotId: number,
  pools: ReadonlyMap<number, string>,
): Promise<Child[]> {
  const { code, data } = await connection.exec(`rbd_header.${id}`, 'children_list', encodedInt64(snapshotId));
  if (code === -ENOENT) return [];
  connection.errors.check(code, `list the clones of image ${id}`);
  const decoder = new Decoder(data);
  return decoder.list(() =>
    decoder.struct(() => {
      const poolId = decoder.int64();
      const childId = decoder.string();
      const namespace = decoder.string();
      return { poolId, pool: pools.get(poolId) ?? `pool ${poolId}`, namespace, id: childId };
    }),
  );
}

async function notedChildren(connection: CephConnection, io: Pointer, parent: Buffer): Promise<string[]> {
  const { code, data } = await connection.exec('rbd_children', 'get_children', parent, io);
  // Rights narrower than the profile: unprotecting is the last word on clones of the old kind anyway.
  if (code === -ENOENT || code === -EPERM || code === -EACCES) return [];
  connection.errors.check(code, 'list clones');
  const decoder = new Decoder(data);
  return decoder.list(() => decoder.string());
}

async function nameOf(connection: CephConnection, child: Child): Promise<string> {
  const where = child.namespace === '' ? child.pool : `${child.pool}/${child.namespace}`;
  const unnamed = `${where}/id:${child.id}`;
  if (child.namespace !== '') return unnamed;
  const answer = await connection.withPool(child.pool, (io) =>
    connection.exec('rbd_directory', 'dir_get_name', encodedString(child.id), io),
  );
  // ENOENT: it is in the trash, and still depends on its parent.
  return answer === undefined || answer.code < 0 ? unnamed : `${where}/${new Decoder(answer.data).string()}`;
}
