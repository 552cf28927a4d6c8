import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { errnoCode, unlessAbsent } from './errno.ts';

/** While an image is written. */
export const WRITABLE = 0o600;
/** The mark of a whole image: its data never changes again. */
export const PROTECTED = 0o444;

const ANY_WRITE = 0o222;

/** Of a file; links and folders are none of ours. */
export async function fileStat(path: string): Promise<Stats | undefined> {
  const stat = await unlessAbsent(lstat(path), undefined);
  return stat?.isFile() ? stat : undefined;
}

export async function exists(path: string): Promise<boolean> {
  return (await fileStat(path)) !== undefined;
}

export function isProtected(stat: Stats): boolean {
  return (stat.mode & ANY_WRITE) === 0;
}

/** Undefined when there is no such file, or only a link. */
export async function openIfThere(path: string, flags: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ELOOP') return undefined;
    throw error;
  }
}
