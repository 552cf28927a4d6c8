import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { entry, readBack, refused } from '../../contract/subject.ts';
import { StoreFolder } from './file-folder.ts';

const KIB = 1024;
const inImages = (image: string) => ({ pool: 'images', image });

describe('a file of others', () => {
  it('goes on being adopted where it was cut', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const cuts = {
      'before anything': async () => {},
      'after the mark': (name: string) => chmod(folder.inPool(name), 0o444),
      'with both names': async (name: string, imageId: string) => {
        await chmod(folder.inPool(name), 0o444);
        await link(folder.inPool(name), folder.inPool(imageId));
      },
    };
    for (const [cut, make] of Object.entries(cuts)) {
      const [name, imageId] = [`${cut}.raw`, randomUUID()];
      await writeFile(folder.inPool(name), Buffer.alloc(8 * KIB, 7));
      await writeFile(folder.inPool(`entrepot.meta.${imageId}`), '{}');
      await make(name, imageId);
      await store.adoption.adopt(inImages(name), imageId, { move: true });
      expect(await entry(store, imageId), cut).toEqual({ imageId, form: 'whole', sizeBytes: 8 * KIB });
      expect(await readdir(folder.inPool('.')), cut).not.toContain(name);
    }
  });

  it('does not get the metadata of an image that had its id, nor takes the place of one', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const imageId = randomUUID();
    await writeFile(folder.inPool(`entrepot.meta.${imageId}`), '{"entrepot.root":"old"}');
    await writeFile(folder.inPool('one'), 'one');
    await writeFile(folder.inPool('two'), 'two');
    await store.adoption.adopt(inImages('one'), imageId, { move: true });
    await refused(store.adoption.adopt(inImages('two'), imageId, { move: true }), 'ALREADY_EXISTS');
    await using whole = await store.openWhole(imageId);
    expect(await whole.metadata('entrepot.root')).toBeUndefined();
    expect(Buffer.from(await readBack(whole, 0, 3)).toString()).toBe('one');
  });

  it('counts towards the quota once it is adopted', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open({ quotaBytes: 64 * KIB });
    const free = (await store.space())?.freeBytes ?? 0;
    await writeFile(folder.inPool('disk.raw'), Buffer.alloc(16 * KIB, 7));
    expect((await store.space())?.freeBytes).toBe(free);
    await store.adoption.adopt(inImages('disk.raw'), randomUUID(), { move: true });
    expect((await store.space())?.freeBytes).toBe(free - 16 * KIB);
  });

  it('is a file in the pool: no folder, no link, and only while the store is open', async () => {
    await using folder = await StoreFolder.make();
    const store = await folder.open();
    await mkdir(folder.inPool('folder'));
    await symlink('/etc/hostname', folder.inPool('link'));
    for (const image of ['folder', 'link', 'clones']) {
      await refused(store.adoption.examine(inImages(image)), 'NOT_FOUND');
      await refused(store.adoption.open(inImages(image)), 'NOT_FOUND');
      await refused(store.adoption.adopt(inImages(image), randomUUID(), { move: true }), 'NOT_FOUND');
    }
    await refused(store.adoption.examine({ pool: 'store.json', image: 'x' }), 'INVALID');
    await store[Symbol.asyncDispose]();
    await refused(store.adoption.examine(inImages('folder')), 'UNAVAILABLE');
    await refused(store.adoption.open(inImages('folder')), 'UNAVAILABLE');
  });
});
