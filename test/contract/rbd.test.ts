import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RbdStore } from '../../src/store/rbd/rbd-store.ts';
import { describeWithCeph } from '../ceph/cluster/describe.ts';
import { CephCluster } from '../ceph/cluster/index.ts';
import { type StoreUnderTest, storeSuite } from './store-suite.ts';

await describeWithCeph('on a real cluster', () => {
  storeSuite('rbd', async (): Promise<StoreUnderTest> => {
    const parent = await mkdtemp(path.join(tmpdir(), 'entrepot-contract-'));
    const cluster = await CephCluster.start({ name: 'contract', folder: path.join(parent, 'ceph') });
    const open = async (): Promise<RbdStore> => {
      const store = new RbdStore({
        confPath: cluster.confPath,
        clientId: 'images',
        pool: cluster.pool,
        timeoutMs: 20_000,
      });
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
        const name = `images/volume-${randomUUID()}`;
        await cluster.rbd(['clone', `images/${imageId}@snap`, name], { as: 'images' });
        return {
          name,
          async remove() {
            await cluster.rbd(['remove', '--no-progress', name]);
          },
        };
      },
      async [Symbol.asyncDispose]() {
        await subject.store[Symbol.asyncDispose]();
        await cluster[Symbol.asyncDispose]();
        await rm(parent, { recursive: true, force: true });
      },
    };
    return subject;
  });
});
