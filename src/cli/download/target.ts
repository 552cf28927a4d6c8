import { link, lstat, rename, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refusal } from '../../domain/refusal.ts';
import { syncFolder } from '../../store/file/durable.ts';
import { withFile } from '../file-errors.ts';
import { formatBytes } from '../output/units.ts';

/** ALREADY_EXISTS when the file is there and may not be replaced; INVALID when it is no file. */
export async function requireFreeTarget(path: string, force: boolean): Promise<void> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return;
  if (!stats.isFile()) throw new Refusal('INVALID', `${path} is there and not a regular file`);
  if (force) return;
  throw new Refusal('ALREADY_EXISTS', `${path} is there already`, { hint: '--force replaces it' });
}

/** NO_SPACE when the disk that `path` is on has not so many bytes left for whoever asks. */
export async function requireRoom(path: string, neededBytes: number): Promise<void> {
  const folder = dirname(path);
  const { bavail, bsize } = await withFile(`write ${path}`, () => statfs(folder));
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new Refusal(
    'NO_SPACE',
    `the disk of ${folder} has ${formatBytes(freeBytes)} free, and ${formatBytes(neededBytes)} may be needed`,
    { hint: 'make room, or choose another disk' },
  );
}

/**
 * Gives a file its name, for good: its bytes must have been flushed. Without `force` a file that came to be there
 * meanwhile is not replaced either: ALREADY_EXISTS.
 */
export async function putInPlace(from: string, path: string, force: boolean): Promise<void> {
  await withFile(`write ${path}`, async () => {
    if (force) await rename(from, path);
    else await linkInPlace(from, path);
    await syncFolder(dirname(path));
  });
}

async function linkInPlace(from: string, path: string): Promise<void> {
  try {
    await link(from, path);
  } catch (error) {
    // Some file systems have no hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    await requireFreeTarget(path, false);
    await rename(from, path);
    return;
  }
  await unlink(from);
}
