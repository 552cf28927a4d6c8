import type { CephConnection, PoolAccess } from './connection.ts';
import { ENOENT } from './errno.ts';
import { native, type Out } from './librbd.ts';

/** The name of librbd's exclusive lock, on an image's header (librbd/Types.h, RBD_LOCK_NAME). */
const LOCK_NAME = 'rbd_lock';

/** Of an exclusive lock there is one holder; a tag and a cookie are some twenty characters long. */
const ROOM_BYTES = 4096;

export interface LockHolder {
  /** `client.4711` */
  readonly client: string;
  readonly cookie: string;
  readonly address: string;
}

/** Who holds the exclusive lock of an image: nobody or one, also one that died with it. */
export async function lockHolders(access: PoolAccess, imageId: string, id: string): Promise<LockHolder[]> {
  const exclusive: Out<number> = [null];
  const [tag, clients, cookies, addresses] = Array.from({ length: 4 }, () => Buffer.alloc(ROOM_BYTES)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const room = (): [number] => [ROOM_BYTES];
  const code = await native().rados_list_lockers(
    access.io,
    `rbd_header.${id}`,
    LOCK_NAME,
    exclusive,
    tag,
    room(),
    clients,
    room(),
    cookies,
    room(),
    addresses,
    room(),
  );
  if (code === -ENOENT) return [];
  access.errors.check(code, `look at the lock of image ${imageId}`);
  const secrets = strings(cookies, code);
  const places = strings(addresses, code);
  return strings(clients, code).map((client, n) => ({
    client,
    cookie: secrets[n] ?? '',
    address: places[n] ?? '',
  }));
}

/**
 * Breaks the lock that an earlier handle of this very connection could not give back, because
 * the cluster did not answer when it was closed. librbd would ask that handle for half a minute
 * and then fail every write with EINVAL: it does not take a lock from its own client, as that
 * would mean to blocklist itself. Only for an image this process does not have open for
 * writing: its own lock is then nobody's.
 */
export async function breakOwnLock(connection: CephConnection, imageId: string, id: string): Promise<void> {
  await breakLockOf(connection, imageId, id, connection.clientId);
}

/** The same for a client that is dead, or shut out. */
export async function breakLockOf(
  connection: CephConnection,
  imageId: string,
  id: string,
  clientId: number,
): Promise<void> {
  const { io, errors } = connection;
  for (const { client, cookie } of await lockHolders(connection, imageId, id)) {
    if (client !== `client.${clientId}`) continue;
    const broken = await native().rados_break_lock(io, `rbd_header.${id}`, LOCK_NAME, client, cookie);
    if (broken !== -ENOENT) errors.check(broken, `take back the lock of image ${imageId}`);
  }
}

/** The first `count` of the strings that stand one after the other, each ended by a zero. */
function strings(bytes: Buffer, count: number): string[] {
  return bytes.toString('latin1').split('\0', count);
}
