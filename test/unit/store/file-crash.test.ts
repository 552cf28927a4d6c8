import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { entry, expectBytes, publishImage, readBack, refused } from '../../contract/subject.ts';
import { StoreFolder } from './file-folder.ts';

const MIB = 1024 * 1024;

describe('a publish that was cut', () => {
  it('after the mark: is a partial, can be written again, and published', async () => {
    await using folder = await StoreFolder.make();
    const id = randomUUID();
    {
      await using store = await folder.open();
      await using partial = await store.openPartial(id, 2 * MIB);
      await partial.write(0, Buffer.alloc(MIB, 1));
      await partial.flush();
    }
    await chmod(folder.inPool(`entrepot.partial.${id}`), 0o444);

    await using store = await folder.open();
    expect((await entry(store, id))?.form).toBe('partial');
    await refused(store.openWhole(id), 'NOT_FOUND');
    {
      await using partial = await store.openPartial(id, 2 * MIB);
      // Seen from outside, because root may write whatever the mode says.
      expect(await modeOf(folder.inPool(`entrepot.partial.${id}`))).toBe(0o600);
      await partial.write(MIB, Buffer.alloc(MIB, 2));
    }
    await store.publish(id);
    expect(await modeOf(folder.inPool(id))).toBe(0o444);
    await using whole = await store.openWhole(id);
    expectBytes(
      await readBack(whole, 0, 2 * MIB),
      Buffer.concat([Buffer.alloc(MIB, 1), Buffer.alloc(MIB, 2)]),
    );
  });

  it('after the mark: is published by the next call', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await (await store.openPartial(id, MIB))[Symbol.asyncDispose]();
    await chmod(folder.inPool(`entrepot.partial.${id}`), 0o444);
    await store.publish(id);
    expect((await entry(store, id))?.form).toBe('whole');
  });
});

describe('a remove that was cut', () => {
  it('after the rename: is a partial with its data and metadata, which can be taken up or discarded', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    const data = await publishImage(store, id, MIB);
    await rename(folder.inPool(id), folder.inPool(`entrepot.partial.${id}`));

    expect((await entry(store, id))?.form).toBe('partial');
    await refused(store.openWhole(id), 'NOT_FOUND');
    await store.remove(id);
    {
      await using partial = await store.openPartial(id, MIB);
      expectBytes(await readBack(partial, 0, MIB), data);
    }
    await store.discard(id);
    expect(await readdir(folder.inPool('.'))).toEqual([]);
  });

  it('after the data: leaves no checkpoint for a later image to believe', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    {
      await using partial = await store.openPartial(id, MIB);
      await partial.setMetadata('entrepot.checkpoint', 'all');
    }
    await unlink(folder.inPool(`entrepot.partial.${id}`));
    expect(await entry(store, id)).toBeUndefined();
    await using partial = await store.openPartial(id, MIB);
    expect(await partial.metadata('entrepot.checkpoint')).toBeUndefined();
  });

  it.each(['remove', 'discard'] as const)(
    'after the data: %s called again clears the rest',
    async (again) => {
      await using folder = await StoreFolder.make();
      await using store = await folder.open();
      const id = randomUUID();
      {
        await using partial = await store.openPartial(id, MIB);
        await partial.setMetadata('entrepot.checkpoint', 'all');
      }
      await unlink(folder.inPool(`entrepot.partial.${id}`));
      await store[again](id);
      expect(await readdir(folder.inPool('.'))).toEqual([]);
    },
  );

  it('is not taken up by remove: a partial and its metadata stay', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await using partial = await store.openPartial(id, MIB);
    await partial.setMetadata('entrepot.checkpoint', '1');
    await store.remove(id);
    await using again = await store.openPartial(id, MIB);
    expect(await again.metadata('entrepot.checkpoint')).toBe('1');
  });
});

describe('a beginning that was cut', () => {
  it('before the size was set: is made anew', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await writeFile(folder.inPool(`entrepot.partial.${id}`), '');
    await using partial = await store.openPartial(id, MIB);
    expect(partial.sizeBytes).toBe(MIB);
    expectBytes(await readBack(partial, 0, MIB), Buffer.alloc(MIB));
  });

  it('within metadata: has the value before, and takes the next', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    await using partial = await store.openPartial(id, MIB);
    await partial.setMetadata('entrepot.checkpoint', '1');
    await writeFile(folder.inPool(`entrepot.meta.${id}.new`), '{"entrepot.checkpoi');
    expect(await partial.metadata('entrepot.checkpoint')).toBe('1');
    await partial.setMetadata('entrepot.checkpoint', '2');
    expect(await partial.metadata('entrepot.checkpoint')).toBe('2');
    await writeFile(folder.inPool(`entrepot.meta.${id}.new`), '{"entrepot.checkpoi');
    await store.discard(id);
    expect(await readdir(folder.inPool('.'))).toEqual([]);
  });
});

describe('a writer that is still open', () => {
  it('is closed before the image is published, and writes no more', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    const writer = await store.openPartial(id, MIB);
    await writer.write(0, Buffer.alloc(MIB, 1));
    await store.publish(id);
    await refused(writer.write(0, Buffer.alloc(MIB, 2)), 'CONFLICT');
    await refused(writer.setMetadata('entrepot.root', 'late'), 'CONFLICT');
    await using whole = await store.openWhole(id);
    expectBytes(await readBack(whole, 0, MIB), Buffer.alloc(MIB, 1));
  });

  it('leaves nothing to the image that takes its place', async () => {
    await using folder = await StoreFolder.make();
    await using store = await folder.open();
    const id = randomUUID();
    const writer = await store.openPartial(id, MIB);
    // Enough of them, one after the other, that the last would come when the new image is there.
    const checkpoints = Array.from({ length: 30 }, (_, index) => String(index));
    const late = Promise.allSettled([
      writer.write(0, Buffer.alloc(MIB, 1)),
      ...checkpoints.map((value) => writer.setMetadata('entrepot.checkpoint', value)),
    ]);
    await using anew = await store.openPartial(id, 2 * MIB);
    await late;
    expect(await anew.metadata('entrepot.checkpoint')).toBeUndefined();
    expectBytes(await readBack(anew, 0, MIB), Buffer.alloc(MIB));
  });
});

// What the steps by hand cannot show: that the code takes them in this order.
describe('a process killed at any moment', () => {
  const ROUNDS = 6;
  it('leaves whole images under UUIDs, and partials that can be taken up', { timeout: 60_000 }, async () => {
    await using folder = await StoreFolder.make();
    const seen = { whole: 0, partial: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      await churnAndKill(folder.path, 20 + 7 * round);
      await using store = await folder.open();
      for (const image of await store.list()) {
        seen[image.form] += 1;
        if (image.form === 'partial') {
          await using partial = await store.openPartial(image.imageId, MIB);
          await partial.write(0, contentOf(image.imageId));
          await partial[Symbol.asyncDispose]();
          await store.publish(image.imageId);
        }
        expect(await modeOf(folder.inPool(image.imageId))).toBe(0o444);
        await using whole = await store.openWhole(image.imageId);
        expectBytes(await readBack(whole, 0, MIB), contentOf(image.imageId));
        await whole[Symbol.asyncDispose]();
        await store.remove(image.imageId);
      }
      // Sidecars of images whose removal or making was cut may stay; images may not.
      const names = (await readdir(folder.inPool('.'))).filter((name) => !name.startsWith('entrepot.meta.'));
      expect(names).toEqual([]);
      await rm(folder.inPool('.'), { recursive: true });
    }
    expect(seen.whole).toBeGreaterThan(0);
    expect(seen.partial).toBeGreaterThan(0);
  });
});

/** Four loops of open, write, publish and remove in a process of their own, killed after so many steps. */
async function churnAndKill(path: string, steps: number): Promise<void> {
  const child = spawn(process.execPath, [new URL('./churn.ts', import.meta.url).pathname, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const _line of createInterface({ input: child.stdout })) {
    seen += 1;
    if (seen === steps) child.kill('SIGKILL');
  }
  const [code, signal] = await exited;
  expect([code, signal]).toEqual([null, 'SIGKILL']);
}

/** The same as churn.ts writes. */
function contentOf(imageId: string): Buffer {
  return Buffer.alloc(MIB, createHash('sha256').update(imageId).digest());
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}
