import type { FileHandle } from 'node:fs/promises';
import type { Extent } from '../store.ts';
import { errnoCode } from './errno.ts';
import { libc } from './libc.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Smaller holes are reported as data: reading their zeros costs less than two more system calls. */
const GRAIN_BYTES = 64 * 1024;

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** What fallocate answers where holes cannot be made. */
const CANNOT_PUNCH = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** What lseek answers where a file system, or a pipe, knows nothing of holes. */
const CANNOT_TELL = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ESPIPE', 'ENOSYS']);

/**
 * Where the file may hold data inside [offset, offset + length), in rising order, not
 * overlapping, clipped to the range and to the end of the file. What lies between reads as
 * zeros. The whole range where holes cannot be told. Moves the handle's position: read and
 * write with positions only, and close the handle after this has settled. Rejects as node:fs does.
 */
export async function dataExtents(handle: FileHandle, offset: number, length: number): Promise<Extent[]> {
  const end = offset + length;
  if (length <= 0) return [];
  // The numbers of SEEK_DATA and SEEK_HOLE are Linux's.
  if (process.platform !== 'linux') return [{ offset, length }];
  const extents: Extent[] = [];
  let at = offset;
  while (at < end) {
    const data = await seek(handle, at, SEEK_DATA);
    if (data === 'cannot-tell') return [{ offset, length }];
    if (data === 'none' || data >= end) break;
    const hole = await seek(handle, data, SEEK_HOLE);
    if (hole === 'cannot-tell') return [{ offset, length }];
    // 'none' here: the file was cut shorter in between; a reader finds out.
    const stop = hole === 'none' ? end : Math.min(end, Math.ceil(hole / GRAIN_BYTES) * GRAIN_BYTES);
    append(extents, data, stop);
    at = stop;
  }
  return extents;
}

/**
 * Makes a hole of what the file has in [offset, offset + length), which may reach beyond its end; its size stays.
 * False where the file system, or the platform, cannot. Rejects as node:fs does.
 */
export async function punchHole(handle: FileHandle, offset: number, length: number): Promise<boolean> {
  try {
    await libc().fallocate(handle.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
    return true;
  } catch (error) {
    if (CANNOT_PUNCH.has(errnoCode(error) ?? '')) return false;
    throw error;
  }
}

async function seek(
  handle: FileHandle,
  offset: number,
  whence: number,
): Promise<number | 'none' | 'cannot-tell'> {
  try {
    return await libc().lseek(handle.fd, offset, whence);
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENXIO') return 'none';
    if (code !== undefined && CANNOT_TELL.has(code)) return 'cannot-tell';
    throw error;
  }
}

function append(extents: Extent[], start: number, stop: number): void {
  const last = extents.at(-1);
  if (last !== undefined && last.offset + last.length === start) {
    extents[extents.length - 1] = { offset: last.offset, length: stop - last.offset };
  } else {
    extents.push({ offset: start, length: stop - start });
  }
}
