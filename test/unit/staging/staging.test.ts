import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Staging } from '../../../src/staging/staging.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const IMAGE = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

let above: string;
let folder: string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'entrepot-staging-'));
  folder = join(above, 'staging');
});

afterEach(async () => {
  await rm(above, { recursive: true });
});

async function started(quotaBytes = 10 * MIB): Promise<Staging> {
  const staging = new Staging({ folder, quotaBytes });
  await staging.start();
  return staging;
}

describe('a staged file', () => {
  it('is what was written, however it was cut, without its zeros', async () => {
    await using staging = await started(1024 * MIB);
    const write = fc.record({
      offset: fc.integer({ min: 0, max: 400 * KIB }),
      length: fc.integer({ min: 1, max: 200 * KIB }),
      zero: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 6 }), async (writes) => {
        const expected = Buffer.alloc(600 * KIB);
        await using file = await staging.open(randomUUID());
        for (const { offset, length, zero } of writes) {
          const bytes = zero ? Buffer.alloc(length) : randomBytes(length);
          bytes.copy(expected, offset);
          await file.write(offset, bytes);
        }
        await file.flush();
        const end = Math.max(...writes.map(({ offset, length }) => offset + length));
        expect(file.sizeBytes).toBe(end);
        expect((await readFile(file.path)).equals(expected.subarray(0, end))).toBe(true);
      }),
      { numRuns: 40 },
    );
    await using sparse = await staging.open(IMAGE);
    await sparse.write(
      0,
      Buffer.concat([Buffer.alloc(MIB, 1), Buffer.alloc(4 * MIB), Buffer.alloc(64 * KIB, 2)]),
    );
    await sparse.write(5 * MIB + 64 * KIB, Buffer.alloc(2 * MIB));
    await sparse.flush();
    const { size, blocks } = await stat(sparse.path);
    expect(size).toBe(7 * MIB + 64 * KIB);
    expect(blocks * 512).toBeLessThan(1.5 * MIB);
  });

  it('is gone on with where it was left, its inflated form with it', async () => {
    {
      await using staging = await started();
      await using file = await staging.open(IMAGE);
      await file.write(0, Buffer.from('first '));
      await file.flush();
      const inflated = await file.inflated();
      await inflated.write(0, Buffer.from('inflated'));
    }
    await using staging = await started();
    expect(staging.usedBytes).toBeGreaterThan(0);
    await using file = await staging.open(IMAGE);
    expect(file.sizeBytes).toBe(6);
    await file.write(file.sizeBytes, Buffer.from('second'));
    await file.flush();
    expect(await readFile(file.path, 'utf8')).toBe('first second');
    expect((await file.inflated()).sizeBytes).toBe(8);
  });

  it('is open once, and refused to everybody else and after', async () => {
    await using staging = await started();
    const file = await staging.open(IMAGE);
    await expect(staging.open(IMAGE)).rejects.toMatchObject({ code: 'CONFLICT' });
    await file[Symbol.asyncDispose]();
    await expect(file.write(0, Buffer.from('x'))).rejects.toMatchObject({ code: 'CONFLICT' });
    await using again = await staging.open(IMAGE);
    expect(again.sizeBytes).toBe(0);
  });

  it('is named by a UUID and nothing else', async () => {
    await using staging = await started();
    for (const id of ['../x', '', `${IMAGE}/..`, `../${IMAGE}`]) {
      await expect(staging.open(id)).rejects.toMatchObject({ code: 'INVALID' });
      await expect(staging.discard(id)).rejects.toMatchObject({ code: 'INVALID' });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the quota', () => {
  it('refuses a file that does not fit, before its first byte, and says what to do', async () => {
    await using staging = await started(MIB);
    await expect(staging.open(IMAGE, { expectBytes: MIB + 1 })).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: `staging has ${MIB} bytes free of its quota of ${MIB}, the file has ${MIB + 1}`,
      hint: expect.stringContaining('staging.quota_bytes'),
    });
    // What was refused has claimed nothing.
    await using file = await staging.open(IMAGE, { expectBytes: MIB });
    expect(staging.freeBytes).toBe(0);
    await file.write(0, Buffer.alloc(MIB, 1));
  });

  it('is never passed by several together, be their sizes known or not', async () => {
    await using staging = await started(MIB);
    const ids = Array.from({ length: 8 }, () => randomUUID());
    const known = await Promise.allSettled(ids.map((id) => staging.open(id, { expectBytes: 300 * KIB })));
    expect(known.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const id of ids) await staging.discard(id);
    expect(staging.freeBytes).toBe(MIB);
    const files = await Promise.all(ids.map((id) => staging.open(id)));
    const writes = await Promise.allSettled(files.map((file) => file.write(0, Buffer.alloc(300 * KIB, 1))));
    expect(writes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const write of writes) {
      if (write.status === 'rejected') expect(write.reason).toMatchObject({ code: 'NO_SPACE' });
    }
    expect(staging.usedBytes).toBeLessThanOrEqual(MIB);
  });

  it('counts what is on disk, not what a file was expected to be, once it is closed', async () => {
    await using staging = await started(MIB);
    {
      await using file = await staging.open(IMAGE, { expectBytes: MIB });
      await file.write(0, Buffer.alloc(64 * KIB, 1));
      await file.write(64 * KIB, Buffer.alloc(MIB - 64 * KIB));
      await file.flush();
      expect(staging.freeBytes).toBe(0);
    }
    expect(staging.usedBytes).toBe(64 * KIB);
    expect(staging.freeBytes).toBe(MIB - 64 * KIB);
    await staging.discard(IMAGE);
    expect(staging.usedBytes).toBe(0);
  });

  it('holds for the inflated form, and for what a start finds', async () => {
    {
      await using staging = await started(MIB);
      await using file = await staging.open(IMAGE);
      await file.write(0, Buffer.alloc(600 * KIB, 1));
      await expect(file.inflated({ expectBytes: 600 * KIB })).rejects.toMatchObject({ code: 'NO_SPACE' });
      const inflated = await file.inflated();
      await expect(inflated.write(0, Buffer.alloc(600 * KIB, 1))).rejects.toMatchObject({ code: 'NO_SPACE' });
      expect(inflated.sizeBytes).toBe(0);
      await inflated.write(0, Buffer.alloc(400 * KIB, 1));
    }
    await using staging = await started(MIB);
    expect(staging.usedBytes).toBe(1000 * KIB);
    await expect(staging.open(randomUUID(), { expectBytes: 100 * KIB })).rejects.toMatchObject({
      code: 'NO_SPACE',
    });
  });

  it('is not all: the disk has to have the space as well', async () => {
    await using staging = await started(2 ** 52);
    await expect(staging.open(IMAGE, { expectBytes: 2 ** 51 })).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/^the disk of staging has \d+ bytes free/),
    });
    expect(staging.freeBytes).toBe(2 ** 52);
  });

  it('leaves no data of a write it refused where zeros should be', async () => {
    await using staging = await started(256 * KIB);
    await using file = await staging.open(IMAGE);
    // Two runs, of which only the first has room.
    const torn = Buffer.concat([
      Buffer.alloc(64 * KIB, 1),
      Buffer.alloc(64 * KIB),
      Buffer.alloc(256 * KIB, 1),
    ]);
    await expect(file.write(0, torn)).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(file.sizeBytes).toBe(0);
    await file.write(0, Buffer.alloc(128 * KIB));
    await file.flush();
    expect((await readFile(file.path)).equals(Buffer.alloc(128 * KIB))).toBe(true);
  });
});

describe('what is left of an agent before', () => {
  it('is known by its images, and discarded without following a symlink', async () => {
    const [leftover, link] = [randomUUID(), randomUUID()];
    {
      await using staging = await started();
      await using file = await staging.open(leftover);
      await file.write(0, Buffer.alloc(64 * KIB, 1));
    }
    const treasure = join(above, 'treasure');
    await mkdir(treasure);
    await writeFile(join(treasure, 'data'), 'precious');
    await symlink(treasure, join(folder, link));
    await symlink(join(treasure, 'data'), join(folder, leftover, 'link'));
    await mkdir(join(folder, 'not-ours'));

    await using staging = await started();
    expect(staging.imageIds.sort()).toEqual([leftover, link].sort());
    expect((await readdir(folder)).sort()).toEqual([leftover, link, 'not-ours'].sort());
    for (const id of staging.imageIds) await staging.discard(id);
    expect(staging.imageIds).toEqual([]);
    expect(await readdir(folder)).toEqual(['not-ours']);
    expect(await readFile(join(treasure, 'data'), 'utf8')).toBe('precious');
    expect(staging.usedBytes).toBe(0);
  });
});

describe('the folder', () => {
  it('is made for its owner only, and refused when others can enter it', async () => {
    await started();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await chmod(folder, 0o755);
    await expect(started()).rejects.toMatchObject({
      code: 'INVALID',
      hint: expect.stringContaining('chmod 700'),
    });
  });

  it('has no sockets left of whoever was killed, once it is started', async () => {
    await started();
    const [socket, file] = [join(folder, 'x.nbd'), join(folder, 'y.nbd')];
    await writeFile(file, '');
    const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ['-e', listen]);
    expect((await stat(socket)).isSocket()).toBe(true);
    await started();
    expect(await readdir(folder)).toEqual(['y.nbd']);
  });

  it('whose image folder is a symlink is not written through', async () => {
    await using staging = await started();
    await mkdir(join(above, 'elsewhere'));
    await symlink(join(above, 'elsewhere'), join(folder, IMAGE));
    await expect(staging.open(IMAGE)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await readdir(join(above, 'elsewhere'))).toEqual([]);
  });
});
