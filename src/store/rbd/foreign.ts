import { Refusal } from '../../domain/refusal.ts';
import { SNAPSHOT_NAME } from '../../domain/store.ts';
import { type ForeignName, type Found, nameText } from '../adoption.ts';
import type { CephConnection, PoolAccess } from './connection.ts';
import { Decoder, encodedInt64, encodedString, HEAD } from './encoding.ts';
import { ENOENT, EXDEV } from './errno.ts';
import { readMarks } from './header-metadata.ts';
import { ImageHandle } from './image-handle.ts';
import { native, type Out } from './librbd.ts';
import { listSnapshots, otherWatchers, type Watcher } from './listings.ts';
import { lockHolders } from './own-locks.ts';
import { askHeader } from './snapshot.ts';

/** Work in any pool of the cluster. INVALID when there is no such pool. */
export async function inPool<T>(
  connection: CephConnection,
  pool: string,
  work: (access: PoolAccess) => Promise<T>,
): Promise<T> {
  if (pool === connection.pool) return await work(connection);
  const errors = connection.errors.reading(pool);
  const done = await connection.withPool(pool, async (io) => ({
    result: await work({
      pool,
      io,
      errors,
      clientId: connection.clientId,
      exec: (object, method, input) => connection.exec(object, method, input, io),
    }),
  }));
  if (done !== undefined) return done.result;
  throw new Refusal('INVALID', `pool '${pool}' is not in cluster ${connection.fsid}`, {
    hint: 'ceph osd pool ls shows the pools',
  });
}

/** Ceph's id of an image by its name, as the pool's directory has it. */
export async function findId(access: PoolAccess, image: string): Promise<string | undefined> {
  const { code, data } = await access.exec('rbd_directory', 'dir_get_id', encodedString(image));
  if (code === -ENOENT) return undefined;
  access.errors.check(code, `look up image ${image} in pool '${access.pool}'`);
  return new Decoder(data).string();
}

export function noImage(name: ForeignName): Refusal {
  return new Refusal('NOT_FOUND', `there is no image ${nameText(name)}`, {
    hint: `rbd ls ${name.pool} shows the names; images of the old format (1) are not taken`,
  });
}

export interface Looked {
  readonly found: Found;
  /** Former selves of this agent that died while they adopted the image: they do not count as somebody who has it open. */
  readonly former: { readonly clientIds: readonly number[]; readonly watchers: readonly Watcher[] };
}

/** Opens it for reading, which sets no watch. NOT_FOUND when it is gone. */
export async function look(
  connection: CephConnection,
  access: PoolAccess,
  name: ForeignName,
  id: string,
): Promise<Looked> {
  const headParent = await parentOf(connection, access, id, HEAD);
  const reader = headParent === undefined ? access : readingToo(access, headParent.pool);
  await using handle = await ImageHandle.open(reader, { imageId: nameText(name), id, access: 'read' });
  if (handle === undefined) throw noImage(name);

  const all = (await listSnapshots(reader, handle)).filter(({ isTrash }) => !isTrash);
  const snap = all.find((snapshot) => snapshot.name === SNAPSHOT_NAME);
  const snapshots = await Promise.all(
    all.map(async (snapshot) => ({
      name: snapshot.name,
      isProtected: await isProtected(reader, handle, snapshot.name),
    })),
  );
  // Flattened after the snapshot was made, it is no clone any more and its snapshot still is.
  const parent = (snap && (await parentOf(connection, access, id, snap.id))) ?? headParent;
  const size = await askHeader(access, id, 'get_size', snap?.id ?? HEAD);
  if (size === undefined) throw noImage(name);
  size.uint8();

  const inStorePool = access.pool === connection.pool;
  const marks = inStorePool ? await readMarks(connection, id) : [];
  const watchers = await otherWatchers(reader, handle);
  const openers = [
    ...watchers,
    ...(await lockHolders(reader, nameText(name), id)).map(({ client, address }) => ({
      clientId: Number(client.slice('client.'.length)),
      address,
    })),
  ].filter(({ clientId }) => clientId !== access.clientId && !marks.includes(clientId));
  return {
    found: {
      sizeBytes: size.int64(),
      snapshots,
      parent: parent?.name,
      hasSnap: snap !== undefined,
      snapProtected: snapshots.some((snapshot) => snapshot.name === SNAPSHOT_NAME && snapshot.isProtected),
      openAt: [...new Set(openers.map(({ address }) => address))],
      inStorePool,
    },
    former: {
      clientIds: marks.filter((clientId) => clientId !== access.clientId),
      watchers: watchers.filter(({ clientId }) => marks.includes(clientId)),
    },
  };
}

/** A clone is opened with its parent: the hint on missing rights names that pool too. */
function readingToo(access: PoolAccess, pool: string): PoolAccess {
  return {
    pool: access.pool,
    io: access.io,
    clientId: access.clientId,
    errors: access.errors.reading(pool),
    exec: (...call) => access.exec(...call),
  };
}

async function isProtected(access: PoolAccess, handle: ImageHandle, snapshot: string): Promise<boolean> {
  const answer: Out<number> = [null];
  const code = await handle.use((image) => native().rbd_snap_is_protected(image, snapshot, answer));
  access.errors.check(code, `look at snapshot ${snapshot} of image ${handle.imageId}`);
  return answer[0] === 1;
}

interface Parent {
  readonly pool: string;
  /** `pool/image@snapshot`; ids where the client may not read the names. */
  readonly name: string;
}

/** What the image, or one of its snapshots, is a clone of. */
async function parentOf(
  connection: CephConnection,
  access: PoolAccess,
  id: string,
  snapshotId: number | bigint,
): Promise<Parent | undefined> {
  const { code, data } = await access.exec(`rbd_header.${id}`, 'get_parent', encodedInt64(snapshotId));
  if (code === -ENOENT) return undefined;
  // Its parent lies in a namespace, which this method does not tell of.
  if (code === -EXDEV) return { pool: access.pool, name: 'a namespace of a pool' };
  access.errors.check(code, `look for the parent of image ${id}`);
  const decoder = new Decoder(data);
  const poolId = decoder.int64();
  if (poolId < 0) return undefined;
  const parentId = decoder.string();
  const parentSnapshotId = decoder.int64();
  const pool = (await connection.pools()).get(poolId) ?? `pool ${poolId}`;
  const names = await connection.withPool(pool, async (io) => {
    const ask = async (object: string, method: string, input: Buffer) => {
      const answer = await connection.exec(object, method, input, io);
      return answer.code < 0 ? undefined : new Decoder(answer.data).string();
    };
    return {
      image: await ask('rbd_directory', 'dir_get_name', encodedString(parentId)),
      snapshot: await ask(`rbd_header.${parentId}`, 'get_snapshot_name', encodedInt64(parentSnapshotId)),
    };
  });
  const image = names?.image ?? `id:${parentId}`;
  return { pool, name: `${pool}/${image}@${names?.snapshot ?? `id:${parentSnapshotId}`}` };
}
