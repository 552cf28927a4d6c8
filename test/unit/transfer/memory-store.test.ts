import { randomUUID } from 'node:crypto';
import { nameText } from '../../../src/store/adoption.ts';
import { storeSuite } from '../../contract/store-suite.ts';
import type { StoreUnderTest } from '../../contract/subject.ts';
import { BLOCK_BYTES, emptyImage, MemoryStore } from './memory-store.ts';

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
    otherPool: 'others',
    async makeStranger(name, data) {
      const held = emptyImage(data.length);
      for (let at = 0; at < data.length; at += BLOCK_BYTES) {
        const block = Buffer.alloc(BLOCK_BYTES);
        data.copy(block, 0, at);
        held.blocks.set(at / BLOCK_BYTES, block);
      }
      store.strangers.set(nameText(name), { held, snapProtected: false, openAt: [] });
    },
    async holdOpen(name) {
      const stranger = store.strangers.get(nameText(name));
      if (stranger === undefined) throw new Error(`no ${nameText(name)} to open`);
      stranger.openAt = ['a machine'];
      const release = async () => {
        stranger.openAt = [];
      };
      return { release };
    },
    async [Symbol.asyncDispose]() {},
  };
});
