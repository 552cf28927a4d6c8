/** Run by file-crash.test.ts in a process of its own: works on the store in argv[2] until it is killed. */
import { createHash, randomUUID } from 'node:crypto';
import { FileStore } from '../../../src/store/file/file-store.ts';

const MIB = 1024 * 1024;

const store = new FileStore({ folder: process.argv[2] ?? '', pool: 'images' });
await store.start();
await Promise.all([loop(), loop(), loop(), loop()]);

async function loop(): Promise<never> {
  for (let count = 0; ; count += 1) {
    const id = randomUUID();
    const content = Buffer.alloc(MIB, createHash('sha256').update(id).digest());
    const partial = await store.openPartial(id, MIB);
    console.log('made');
    await partial.write(0, content);
    await partial.setMetadata('entrepot.root', 'root');
    await partial[Symbol.asyncDispose]();
    console.log('written');
    await store.publish(id);
    console.log('published');
    if (count % 2 === 0) await store.remove(id);
    console.log('removed');
  }
}
