import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CephConnection } from '../../src/store/rbd/connection.ts';
import { findId } from '../../src/store/rbd/foreign.ts';
import { ImageHandle } from '../../src/store/rbd/image-handle.ts';
import { RbdStore } from '../../src/store/rbd/rbd-store.ts';
import { describeWithCeph } from '../ceph/cluster/describe.ts';
import { CephCluster } from '../ceph/cluster/index.ts';
import { storeSuite } from './store-suite.ts';
import type { StoreUnderTest } from './subject.ts';

await describeWithCeph('on a real cluster', () => {
  storeSuite('rbd', async (): Promise<StoreUnderTest> => {
    const parent = await mkdtemp(path.join(tmpdir(), 'entrepot-contract-'));
    const cluster = await CephCluster.start({ name: 'contract', folder: path.join(parent, 'ceph') });
    await cluster.ceph(['osd', 'pool', 'create', 'others', '8']);
    await cluster.rbd(['pool', 'init', 'others']);
    const osd = 'profile rbd pool=images, profile rbd-read-only pool=others';
    await cluster.ceph(['auth', 'caps', 'client.images', 'mon', 'profile rbd', 'osd', osd]);
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
      otherPool: 'others',
      async makeStranger({ pool, image }, data) {
        await cluster.rbd(['import', '--no-progress', '-', `${pool}/${image}`], { input: data });
      },
      async holdOpen({ pool, image }) {
        const { confPath } = cluster;
        const connection = new CephConnection({ confPath, clientId: 'admin', pool, timeoutMs: 20_000 });
        await connection.connect();
        const id = (await findId(connection, image)) ?? '';
        const handle = await ImageHandle.open(connection, { imageId: image, id, access: 'write' });
        return {
          async release() {
            await handle?.[Symbol.asyncDispose]();
            await connection.close();
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
