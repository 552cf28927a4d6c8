import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Room } from '../../../src/staging/room.ts';
import { StagedPart } from '../../../src/staging/staged-part.ts';
import { Staging } from '../../../src/staging/staging.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';
const KEPT = { taskId: 'task-1', sizeBytes: 300 * KIB, note: 'from "v1"' };
const MINE = { taskId: KEPT.taskId };

const first = randomBytes(300 * KIB);
const behind = randomBytes(200 * KIB);

let above: string;
let folder: string;
let path: (name: string) => string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'entrepot-kept-'));
  folder = join(above, 'staging');
  path = (name) => join(folder, IMAGE, name);
});

afterEach(async () => {
  await rm(above, { recursive: true });
});

async function started(quotaBytes = 10 * MIB): Promise<Staging> {
  const staging = new Staging({ folder, quotaBytes });
  await staging.start();
  return staging;
}

/** An attempt that has kept its first bytes, and is killed with some more behind them. */
async function killedAfterKeeping(): Promise<void> {
  await using staging = await started();
  await using file = await staging.open(IMAGE, { ...MINE, expectBytes: MIB });
  await file.write(0, first);
  await file.keep(KEPT);
  await file.write(first.length, behind);
  await file.flush();
}

describe('what was kept of a staged file', () => {
  it('is gone on with by its task, without what came behind it', async () => {
    await killedAfterKeeping();
    await using staging = await started();
    expect(await staging.kept(IMAGE, KEPT.taskId)).toEqual(KEPT);
    await using file = await staging.open(IMAGE, MINE);
    expect(file.sizeBytes).toBe(first.length);
    expect((await stat(file.path)).size).toBe(first.length);
    // Zeros behind it are holes, and must not let through what was there.
    await file.write(first.length, Buffer.alloc(100 * KIB));
    await file.write(400 * KIB, Buffer.from('end'));
    await file.flush();
    const expected = Buffer.concat([first, Buffer.alloc(100 * KIB), Buffer.from('end')]);
    expect((await readFile(file.path)).equals(expected)).toBe(true);
  });

  it('is all there for whoever does not bring the file', async () => {
    await killedAfterKeeping();
    await using staging = await started();
    await using file = await staging.open(IMAGE);
    expect(file.sizeBytes).toBe(first.length + behind.length);
  });

  it.each<[string, () => Promise<void>]>([
    ['nothing was kept', () => rm(path('state'))],
    ['what was kept cannot be read', () => writeFile(path('state'), '{"taskId":"task-1","sizeBy')],
    ['it makes no sense', () => writeFile(path('state'), JSON.stringify({ ...KEPT, sizeBytes: -1 }))],
    ['it is of another task', () => writeFile(path('state'), JSON.stringify({ ...KEPT, taskId: 'task-0' }))],
    ['not all of it is there', () => truncate(path('data'), KEPT.sizeBytes - 1)],
    ['nothing of it is there', () => rm(path('data'))],
  ])('is begun anew where %s; no word of it stays', async (_, damage) => {
    await killedAfterKeeping();
    await damage();
    {
      await using staging = await started();
      expect(await staging.kept(IMAGE, KEPT.taskId)).toBeUndefined();
      await using file = await staging.open(IMAGE, { ...MINE, expectBytes: MIB });
      expect(file.sizeBytes).toBe(0);
      expect(await readdir(join(folder, IMAGE))).toEqual(['data']);
      // Killed again, with more of the other file there than was kept of the first.
      await file.write(0, randomBytes(400 * KIB));
      await file.flush();
    }
    await using staging = await started();
    await using file = await staging.open(IMAGE, MINE);
    expect(file.sizeBytes).toBe(0);
  });

  it('is what it was before, when the next word of it was cut', async () => {
    await killedAfterKeeping();
    await writeFile(path('state.new'), JSON.stringify({ ...KEPT, sizeBytes: 500 * KIB }).slice(0, 20));
    await using staging = await started();
    expect(await staging.kept(IMAGE, KEPT.taskId)).toEqual(KEPT);
    await using file = await staging.open(IMAGE, MINE);
    await file.write(first.length, behind);
    await file.keep({ ...KEPT, sizeBytes: 500 * KIB });
    expect(await staging.kept(IMAGE, KEPT.taskId)).toEqual({ ...KEPT, sizeBytes: 500 * KIB });
  });

  it('claims what is to come of it, and no more', async () => {
    await killedAfterKeeping();
    await using staging = await started(MIB);
    expect(staging.usedBytes).toBe(500 * KIB);
    await expect(staging.open(IMAGE, { ...MINE, expectBytes: MIB + 1 })).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: `staging has ${MIB} bytes free of its quota of ${MIB}, the file has ${MIB + 1}`,
    });
    {
      await using file = await staging.open(IMAGE, { ...MINE, expectBytes: MIB });
      expect(file.sizeBytes).toBe(first.length);
      expect([staging.usedBytes, staging.freeBytes]).toEqual([300 * KIB, 0]);
    }
    expect(staging.freeBytes).toBe(724 * KIB);
    {
      await using _other = await staging.open(IMAGE, { taskId: 'task-2', expectBytes: 100 * KIB });
      expect([staging.usedBytes, staging.freeBytes]).toEqual([0, 924 * KIB]);
    }
    await staging.discard(IMAGE);
    expect(await readdir(folder)).toEqual([]);
    expect(staging.freeBytes).toBe(MIB);
  });

  it('makes room of what came of an earlier attempt', async () => {
    {
      await using staging = await started(MIB);
      await using file = await staging.open(IMAGE, MINE);
      await file.write(0, first);
      await file.keep(KEPT);
      const inflated = await file.inflated();
      await inflated.write(0, Buffer.alloc(600 * KIB, 1));
    }
    await using staging = await started(MIB);
    await using file = await staging.open(IMAGE, { ...MINE, expectBytes: MIB });
    expect(file.sizeBytes).toBe(first.length);
    expect((await readdir(join(folder, IMAGE))).sort()).toEqual(['data', 'state']);
  });
});

it('a flush that failed is not forgotten: the next one may be without its bytes', async () => {
  const handle = await open(join(above, 'part'), 'w+');
  const sync = handle.sync.bind(handle);
  let failures = 1;
  handle.sync = async () => {
    if (failures-- > 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
    await sync();
  };
  await using part = new StagedPart({ path: join(above, 'part'), handle, sizeBytes: 0, room: new Room(MIB) });
  await part.write(0, first);
  await expect(part.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(part.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
