import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, open, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src/store/file/errno.ts';
import { FileStore } from '../../../src/store/file/file-store.ts';
import { entry, publishImage, readBack, refused } from '../../contract/subject.ts';
import { StoreFolder } from './file-folder.ts';

const MIB = 1024 * 1024;

describe('the folder', () => {
  it('is made for its owner only, with an fsid that stays', async () => {
    await using parent = await StoreFolder.make();
    const folder = join(parent.path, 'a', 'b');
    const first = await parent.open({ folder });
    const identity = await first.identity();
    await first[Symbol.asyncDispose]();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'images'))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(folder, 'store.json'), 'utf8'))).toEqual({ fsid: identity.fsid });

    await using second = await parent.open({ folder, pool: 'others' });
    expect(await second.identity()).toEqual({ fsid: identity.fsid, pool: 'others' });
  });

  it('holds images and other things, of which only images are listed', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await publishImage(store, id, MIB);
    await writeFile(folder.inPool('notes.txt'), '');
    await writeFile(folder.inPool('entrepot.partial.not-a-uuid'), '');
    await writeFile(folder.inPool(`${randomUUID()}.bak`), '');
    await writeFile(folder.inPool(randomUUID().toUpperCase()), '');
    await mkdir(folder.inPool(randomUUID()));
    await symlink(folder.inPool(id), folder.inPool(randomUUID()));
    expect(await store.list()).toEqual([{ imageId: id, form: 'whole', sizeBytes: MIB }]);
  });

  it('is not opened through a path that is no folder, a pool that is no name, or a store.json of others', async () => {
    await using folder = await StoreFolder.make();
    await writeFile(join(folder.path, 'file'), '');
    const error = await refused(folder.open({ folder: join(folder.path, 'file', 'store') }), 'INVALID');
    expect(error).toMatchObject({ hint: expect.stringContaining('folder') });
    for (const pool of ['', '.', '..', 'a/b', 'store.json', 'store.lock']) {
      await refused(folder.open({ pool }), 'INVALID');
    }
    for (const text of ['', '{}', '{"fsid":"x"}', 'null']) {
      await writeFile(join(folder.path, 'store.json'), text);
      await refused(folder.open(), 'INVALID');
    }
    // What was refused has let go of the lock.
    await writeFile(join(folder.path, 'store.json'), JSON.stringify({ fsid: randomUUID() }));
    await (await folder.open())[Symbol.asyncDispose]();
  });

  it('is not left by an id that is no UUID', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    for (const id of ['../x', '', 'x', randomUUID().toUpperCase()]) {
      await refused(store.openPartial(id, MIB), 'INVALID');
      await refused(store.openWhole(id), 'INVALID');
      await refused(store.remove(id), 'INVALID');
      await refused(store.children(id), 'INVALID');
    }
  });

  it('is of no use before start and after dispose', async () => {
    await using folder = await StoreFolder.make();
    const store = new FileStore({ folder: folder.path, pool: 'images' });
    await refused(store.list(), 'UNAVAILABLE');
    await store.start();
    await store.start();
    const image = await store.openPartial(randomUUID(), MIB);
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await refused(store.list(), 'UNAVAILABLE');
    await refused(store.openPartial(randomUUID(), MIB), 'UNAVAILABLE');
    await refused(image.read(0, new Uint8Array(1)), 'CONFLICT');
  });
});

describe('the lock', () => {
  it('refuses a second store on the same folder, whatever its pool, until the first is gone', async () => {
    await using folder = await StoreFolder.make();
    const first = await folder.open();
    const error = await refused(folder.open({ pool: 'others' }), 'UNAVAILABLE');
    expect(error.message).toContain(`process ${process.pid}`);
    await first[Symbol.asyncDispose]();
    await (await folder.open())[Symbol.asyncDispose]();
  });

  it('is let go of by a process that is killed', async () => {
    await using folder = await StoreFolder.make();
    const child = spawn(process.execPath, [new URL('./churn.ts', import.meta.url).pathname, folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    const error = await refused(folder.open(), 'UNAVAILABLE');
    expect(error.message).toContain(`process ${child.pid}`);
    child.kill('SIGKILL');
    await exited;
    await (await folder.open())[Symbol.asyncDispose]();
  });
});

describe('the quota', () => {
  const quotaBytes = 8 * MIB;

  it('refuses the write that would go past it, and takes it after room is made', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open({ quotaBytes });
    const [old, fresh] = [randomUUID(), randomUUID()];
    await publishImage(store, old, 4 * MIB);
    // Holes are free.
    await using partial = await store.openPartial(fresh, 1024 * MIB);
    await partial.write(512 * MIB, Buffer.alloc(3 * MIB, 1));
    const error = await refused(partial.write(0, Buffer.alloc(2 * MIB, 2)), 'NO_SPACE');
    expect(error).toMatchObject({ hint: expect.stringContaining('quota') });
    await partial.flush();
    await store.remove(old);
    await partial.write(0, Buffer.alloc(2 * MIB, 2));
    expect((await readBack(partial, 2 * MIB - 1, 2)).join()).toBe('2,0');
  });

  it('has room for what was cleared', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open({ quotaBytes });
    await using partial = await store.openPartial(randomUUID(), 16 * MIB + 100);
    await partial.write(9 * MIB + 100, Buffer.alloc(7 * MIB, 1));
    await refused(partial.write(0, Buffer.alloc(2 * MIB, 2)), 'NO_SPACE');
    await partial.clear(8 * MIB, 8 * MIB + 100);
    expect((await store.space())?.freeBytes).toBe(quotaBytes);
    await partial.write(0, Buffer.alloc(8 * MIB, 2));
    expect((await store.space())?.freeBytes).toBe(0);
  });

  it('holds with many writers at a time', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open({ quotaBytes });
    const images = await Promise.all(
      Array.from({ length: 4 }, () => store.openPartial(randomUUID(), 8 * MIB)),
    );
    const writes = images.flatMap((image) =>
      Array.from({ length: 8 }, (_, index) => image.write(index * MIB, Buffer.alloc(MIB, 1))),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
    expect((await store.space())?.freeBytes).toBe(0);
  });

  it('is told as space, and counts what a restart finds', async () => {
    await using folder = await StoreFolder.make();
    const id = randomUUID();
    {
      await using store = await folder.open({ quotaBytes });
      expect(await store.space()).toEqual({ totalBytes: quotaBytes, freeBytes: quotaBytes });
      await publishImage(store, id, 3 * MIB);
      await (await store.openPartial(randomUUID(), 2 * MIB)).write(0, Buffer.alloc(MIB, 1));
      expect(await store.space()).toEqual({ totalBytes: quotaBytes, freeBytes: 4 * MIB });
    }
    await using store = await folder.open({ quotaBytes });
    expect(await store.space()).toEqual({ totalBytes: quotaBytes, freeBytes: 4 * MIB });
    await store.remove(id);
    expect(await store.space()).toEqual({ totalBytes: quotaBytes, freeBytes: 7 * MIB });
  });
});

describe('what the file system says against it', () => {
  it('a full disk is NO_SPACE', async () => {
    await using full = await open('/dev/full', 'r+');
    const error = await full.write(Buffer.alloc(4096)).catch((reason: unknown) => reason);
    expect(refusalOf(error, 'write')).toMatchObject({
      code: 'NO_SPACE',
      message: 'cannot write: the file system is full',
      hint: expect.stringContaining('df'),
    });
  });

  it.each([
    ['EDQUOT', 'NO_SPACE'],
    ['EACCES', 'INVALID'],
    ['EROFS', 'INVALID'],
    ['EIO', 'UNAVAILABLE'],
    ['EMFILE', 'UNAVAILABLE'],
    ['EWHATEVER', 'INTERNAL'],
  ])('%s is %s', (code, expected) => {
    expect(refusalOf(Object.assign(new Error(code), { code }), 'write').code).toBe(expected);
  });

  it('a file cut short by others is CORRUPT when it is read', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await publishImage(store, id, MIB);
    await using whole = await store.openWhole(id);
    await chmod(folder.inPool(id), 0o600);
    await truncate(folder.inPool(id), 1000);
    await refused(whole.read(0, new Uint8Array(MIB)), 'CORRUPT');
    // What can be written is not whole.
    expect(await entry(store, id)).toBeUndefined();
    await chmod(folder.inPool(id), 0o444);
    expect((await entry(store, id))?.sizeBytes).toBe(1000);
  });
});
