import { randomUUID } from 'node:crypto';
import { type StoreUnderTest, storeSuite } from '../../contract/store-suite.ts';
import { MemoryStore } from './memory-store.ts';

// The fake keeps the contract that the drivers keep: what is proved with it holds for them.
storeSuite('memory', async (): Promise<StoreUnderTest> => {
  let store = new MemoryStore();
  return {
    store,
    async reopen() {
      store = new MemoryStore(store);
      return store;
    },
    async makeClone(imageId) {
      const name = `images/volume-${randomUUID()}`;
      store.clones.set(name, imageId);
      return { name, remove: async () => void store.clones.delete(name) };
    },
    async [Symbol.asyncDispose]() {},
  };
});
