import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoCode } from './errno.ts';

/** Names made, changed and removed in the folder so far are on disk. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/**
 * The file holds `text` for good, or, cut at any moment, what it held before. Only one
 * writer at a time. What a cut call leaves beside it (`<path>.new`) the next one overwrites.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  {
    await using handle = await open(draft, 'w', 0o600);
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Removes the file and the draft of a cut `replaceFile`. Nothing to do when there is none. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.new`, { force: true });
}

/**
 * Makes the folder and those above it, with mode 0700; nothing to do when it is there. As Node's
 * recursive mkdir, which never ends where a folder cannot be made and its parent is there (/proc).
 */
export async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { mode: 0o700 }).catch((error: unknown) => error);
  if (made === undefined) return;
  if (errnoCode(made) === 'EEXIST' && (await stat(path)).isDirectory()) return;
  if (errnoCode(made) !== 'ENOENT' || dirname(path) === path) throw made;
  await makeFolder(dirname(path));
  const again = await mkdir(path, { mode: 0o700 }).catch((error: unknown) => error);
  if (again !== undefined && errnoCode(again) !== 'EEXIST') throw again;
}
