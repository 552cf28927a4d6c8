import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { Refusal } from '../domain/refusal.ts';

/** Readable by its owner alone, from its first byte on. */
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
/** Whatever the group of the owner, or everybody, may do to a file. */
const OTHERS = 0o077;
/** What is left of that where systemd lets a unit read a file by an ACL: its mask shows as rights of the group. */
const OTHERS_BESIDE_ACL = 0o037;
const EVERYBODY = 0o007;

/** Makes a folder only its owner can enter; one that is there stays as it is. */
export async function makeSecretFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Writes a file that only its owner can read. Whole or not at all, and on disk when this settles. */
export async function writeSecret(file: string, text: string): Promise<void> {
  await replace(file, text, SECRET_MODE);
}

/** Writes a file everybody may read. Whole or not at all, and on disk when this settles. */
export async function writePublic(file: string, text: string): Promise<void> {
  await replace(file, text, PUBLIC_MODE);
}

/** Whether a file is one that systemd loaded for the unit this runs in, by LoadCredential=. */
function isLoadedCredential(file: string): boolean {
  const folder = process.env['CREDENTIALS_DIRECTORY'] ?? '';
  const way = relative(folder, file);
  return folder !== '' && way !== '..' && !way.startsWith('../');
}

/** INVALID when somebody beside the owner can read or change a file that holds a secret; `mode` as `stat` tells it. */
export function requirePrivate(file: string, mode: number): void {
  if ((mode & (isLoadedCredential(file) ? OTHERS_BESIDE_ACL : OTHERS)) === 0) return;
  const who = (mode & EVERYBODY) === 0 ? 'the group of its owner' : 'everybody on this machine';
  throw new Refusal('INVALID', `${file}: ${who} can read or change it`, { hint: `chmod 600 ${file}` });
}

/** Whether an error of the file system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function replace(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new`;
  // What an earlier try left may have other rights.
  await rm(draft, { force: true });
  await using(
    await open(draft, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode),
    async (to) => {
      await to.writeFile(text);
      await to.sync();
    },
  );
  await rename(draft, file);
  await using(await open(dirname(file), constants.O_RDONLY), (folder) => folder.sync());
}

async function using(handle: FileHandle, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}
