import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { dataExtents } from '../../../src/store/file/sparse.ts';
import { StoreFolder } from './file-folder.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('dataExtents', () => {
  it('finds the data of a sparse file, joins what is near, and clips', async () => {
    await using folder = await StoreFolder.make();
    await using file = await open(join(folder.path, 'sparse'), 'w+');
    await file.truncate(64 * MIB + 100);
    for (const [at, length] of [
      [MIB, 2 * MIB],
      // Two blocks with a small hole between them.
      [16 * MIB, 4 * KIB],
      [16 * MIB + 32 * KIB, 4 * KIB],
      [64 * MIB, 100],
    ] as const) {
      await file.write(Buffer.alloc(length, 1), 0, length, at);
    }
    expect(await dataExtents(file, 0, 64 * MIB + 100)).toEqual([
      { offset: MIB, length: 2 * MIB },
      { offset: 16 * MIB, length: 64 * KIB },
      { offset: 64 * MIB, length: 100 },
    ]);
    expect(await dataExtents(file, MIB + 7, 100)).toEqual([{ offset: MIB + 7, length: 100 }]);
    expect(await dataExtents(file, 4 * MIB, 8 * MIB)).toEqual([]);
    expect(await dataExtents(file, 0, 0)).toEqual([]);
  });

  it('takes all of a pipe as data', async () => {
    await using folder = await StoreFolder.make();
    const path = join(folder.path, 'pipe');
    await promisify(execFile)('mkfifo', [path]);
    await using pipe = await open(path, 'r+');
    expect(await dataExtents(pipe, 5, 100)).toEqual([{ offset: 5, length: 100 }]);
  });

  it('does not take an error for a hole', async () => {
    await using folder = await StoreFolder.make();
    const file = await open(join(folder.path, 'file'), 'w+');
    await file.write('data');
    await file.close();
    await expect(dataExtents(file, 0, 4)).rejects.toMatchObject({ code: 'EBADF' });
  });
});
