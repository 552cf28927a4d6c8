import { Refusal, type RefusalCode } from '../../domain/refusal.ts';

const MEANINGS: Readonly<Record<string, readonly [code: RefusalCode, reason: string, hint?: string]>> = {
  ENOSPC: ['NO_SPACE', 'the file system is full', 'make room on it: `df -h` shows which; then try again'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up', 'raise the quota of the user the agent runs as'],
  EACCES: [
    'INVALID',
    'the agent lacks the rights',
    'the folder and all in it must belong to the user the agent runs as',
  ],
  EPERM: [
    'INVALID',
    'the agent lacks the rights',
    'the folder and all in it must belong to the user the agent runs as',
  ],
  EROFS: [
    'INVALID',
    'the file system is mounted read-only',
    'mount it writable; a unit needs the folder in ReadWritePaths=',
  ],
  EEXIST: ['INVALID', 'a file is in the way', 'give the store a folder of its own in the config'],
  ENOENT: ['INVALID', 'the folder is not there', 'was it moved or unmounted while the agent ran?'],
  ENOTDIR: [
    'INVALID',
    'a part of the path is not a folder',
    'give the store a folder of its own in the config',
  ],
  EFBIG: ['INVALID', 'the file system cannot hold a file of this size'],
  ENAMETOOLONG: ['INVALID', 'the path is too long', 'give the store a shorter folder in the config'],
  EMFILE: ['UNAVAILABLE', 'the agent has too many files open', 'raise LimitNOFILE= of its unit'],
  ENFILE: ['UNAVAILABLE', 'the machine has too many files open', 'raise the sysctl fs.file-max'],
  EIO: ['UNAVAILABLE', 'the disk reports errors', '`dmesg` tells more'],
  ENODEV: ['UNAVAILABLE', 'the disk is gone', '`dmesg` tells more'],
  ESTALE: ['UNAVAILABLE', 'the network file system lost the file', 'mount it again'],
  ETIMEDOUT: ['UNAVAILABLE', 'the file system does not answer'],
  EBADF: ['CONFLICT', 'the image is closed'],
};

/** The one place where errors of the file system become ours. `doing` completes "cannot ...". */
export function refusalOf(error: unknown, doing: string): Refusal {
  if (error instanceof Refusal) return error;
  const [code, reason, hint] = MEANINGS[errnoCode(error) ?? ''] ?? ['INTERNAL', String(error)];
  return new Refusal(code, `cannot ${doing}: ${reason}`, { hint, cause: error });
}

/** Runs `work`; whatever the file system says against it becomes a Refusal. */
export async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusalOf(error, doing);
  }
}

/** The errno's name of an error of node:fs or libc. */
export function errnoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** `instead` when what `work` asks for is not there. */
export async function unlessAbsent<T, U>(work: Promise<T>, instead: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return instead;
    throw error;
  }
}
