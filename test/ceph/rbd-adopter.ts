import { CephConnection } from '../../src/store/rbd/connection.ts';
import { findId } from '../../src/store/rbd/foreign.ts';
import { mark } from '../../src/store/rbd/header-metadata.ts';
import { ImageHandle } from '../../src/store/rbd/image-handle.ts';
import { native } from '../../src/store/rbd/librbd.ts';
import { RbdStore } from '../../src/store/rbd/rbd-store.ts';

/**
 * A process that adopts images until it is killed. Arguments: ceph.conf, and
 * - `all`, then for each image its name in pool `images` and the id it is to get (renamed);
 * - `own` or `other`, then one image: opens it for writing, as an adoption or as somebody else, makes the
 *   snapshot `snap`, by which it gets the lock, says so and waits.
 */
const [confPath = '', what = 'all', ...rest] = process.argv.slice(2);
const options = { confPath, clientId: 'images', pool: 'images', timeoutMs: 20_000 };
if (what === 'all') {
  const store = new RbdStore(options);
  await store.start();
  process.stdout.write('ready\n');
  for (let n = 0; n < rest.length; n += 2) {
    const name = { pool: 'images', image: rest[n] ?? '' };
    await store.adoption.adopt(name, rest[n + 1] ?? '', { move: true });
  }
  await store[Symbol.asyncDispose]();
} else {
  const connection = new CephConnection(options);
  await connection.connect();
  const [imageId = ''] = rest;
  const id = (await findId(connection, imageId)) ?? '';
  if (what === 'own') await mark(connection, id);
  const handle = await ImageHandle.open(connection, { imageId, id, access: 'write' });
  await handle?.use((image) => native().rbd_snap_create(image, 'snap'));
  process.stdout.write('ready\n');
  process.stdin.resume();
}
