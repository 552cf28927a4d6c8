import type { CephConnection } from './connection.ts';
import { ENOENT } from './errno.ts';
import { native, type Out } from './librbd.ts';

/** The name of librbd's exclusive lock, on an image's header (librbd/Types.h, RBD_LOCK_NAME). */
const LOCK_NAME = 'rbd_lock';

/** Of an exclusive lock there is one holder; a tag and a cookie are some twenty characters long. */
const ROOM_BYTES = 4096;

/**
 * Breaks the lock that an earlier handle of this very connection could not give back, because
 * the cluster did not answer when it was closed. librbd would ask that handle for half a minute
 * and then fail every write with EINVAL: it does not take a lock from its own client, as that
 * would mean to blocklist itself. Only for an image this process does not have open for
 * writing: its own lock is then nobody's.
 */
export async function breakOwnLock(connection: CephConnection, imageId: string, id: string): Promise<void> {
  const { io, errors } = connection;
  const object = `rbd_header.${id}`;
  const exclusive: Out<number> = [null];
  const [tag, clients, cookies, addresses] = Array.from({ length: 4 }, () => Buffer.alloc(ROOM_BYTES)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const room = (): [number] => [ROOM_BYTES];
  const code = await native().rados_list_lockers(
    io,
    object,
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
  if (code === -ENOENT) return;
  errors.check(code, `look at the lock of image ${imageId}`);
  const holders = strings(clients, code);
  const secrets = strings(cookies, code);
  for (const [n, holder] of holders.entries()) {
    if (holder !== `client.${connection.clientId}`) continue;
    const broken = await native().rados_break_lock(io, object, LOCK_NAME, holder, secrets[n] ?? '');
    if (broken !== -ENOENT) errors.check(broken, `take back the lock of image ${imageId}`);
  }
}

/** The first `count` of the strings that stand one after the other, each ended by a zero. */
function strings(bytes: Buffer, count: number): string[] {
  return bytes.toString('latin1').split('\0', count);
}
