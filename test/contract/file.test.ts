import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, open as openFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../../src/store/file/file-store.ts';
import { storeSuite } from './store-suite.ts';
import type { StoreUnderTest } from './subject.ts';

storeSuite('file', async (): Promise<StoreUnderTest> => {
  const parent = await mkdtemp(join(tmpdir(), 'entrepot-contract-'));
  const folder = join(parent, 'made', 'by the store');
  const open = async (): Promise<FileStore> => {
    const store = new FileStore({ folder, pool: 'images' });
    await store.start();
    return store;
  };
  const subject: StoreUnderTest = {
    store: await open(),
    async reopen() {
      await subject.store[Symbol.asyncDispose]();
      return await open();
    },
    async makeClone(imageId) {
      const name = `volume-${randomUUID()}`;
      const path = join(folder, 'images', 'clones', imageId, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, '');
      return { name: `images/${name}`, remove: () => rm(path) };
    },
    otherPool: 'others',
    async makeStranger({ pool, image }, data) {
      await mkdir(join(folder, pool), { recursive: true });
      await writeFile(join(folder, pool, image), data);
    },
    async holdOpen({ pool, image }) {
      const handle = await openFile(join(folder, pool, image), 'r+');
      return { release: () => handle.close() };
    },
    async [Symbol.asyncDispose]() {
      await subject.store[Symbol.asyncDispose]();
      await rm(parent, { recursive: true, force: true });
    },
  };
  return subject;
});
