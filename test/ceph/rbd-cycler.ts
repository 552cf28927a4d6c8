import { RbdStore } from '../../src/store/rbd/rbd-store.ts';

/**
 * A process that takes one image from absent to whole and back, over and over, until it is killed.
 * Arguments: ceph.conf, image id. The image has 12 MiB, of which the first and the last are 0x5a.
 */
const [confPath = '', imageId = ''] = process.argv.slice(2);
const store = new RbdStore({ confPath, clientId: 'images', pool: 'images', timeoutMs: 20_000 });
await store.start();
process.stdout.write('ready\n');
const mebibyte = 1024 * 1024;
for (;;) {
  {
    await using image = await store.openPartial(imageId, 12 * mebibyte);
    await image.write(0, Buffer.alloc(mebibyte, 0x5a));
    await image.write(11 * mebibyte, Buffer.alloc(mebibyte, 0x5a));
    await image.flush();
  }
  await store.publish(imageId);
  await store.remove(imageId);
}
