import { RbdStore } from '../../src/store/rbd/rbd-store.ts';

/**
 * A process that opens a partial image, writes to it, says so on stdout, and then
 * keeps writing until somebody kills it; what a write is answered is told line by line.
 * Arguments: ceph.conf, image id, size in bytes, `write` or `open` (without writing).
 */
const [confPath = '', imageId = '', sizeBytes = '0', what = 'write'] = process.argv.slice(2);
const store = new RbdStore({ confPath, clientId: 'images', pool: 'images', timeoutMs: 20_000 });
await store.start();
const image = await store.openPartial(imageId, Number(sizeBytes));
if (what === 'write') {
  await image.setMetadata('entrepot.checkpoint', 'by the writer');
  await image.write(0, Buffer.alloc(1024 * 1024, 7));
  await image.flush();
}
process.stdout.write('ready\n');
for await (const _line of process.stdin) {
  const outcome = await image.write(0, Buffer.alloc(4096, 8)).then(
    () => 'written',
    (error: unknown) => JSON.stringify({ code: (error as { code: string }).code, message: String(error) }),
  );
  process.stdout.write(`${outcome}\n`);
}
