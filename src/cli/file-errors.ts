import { Refusal, type RefusalCode } from '../domain/refusal.ts';

interface Known {
  readonly code: RefusalCode;
  readonly words: string;
  readonly hint?: string;
}

const KNOWN: Readonly<Record<string, Known>> = {
  ENOENT: { code: 'NOT_FOUND', words: 'no such file or folder' },
  ENOTDIR: { code: 'INVALID', words: 'a part of the path is not a folder' },
  EISDIR: { code: 'INVALID', words: 'it is a folder' },
  EEXIST: { code: 'ALREADY_EXISTS', words: 'it is there already', hint: '--force replaces it' },
  EACCES: { code: 'FORBIDDEN', words: 'permission denied' },
  EPERM: { code: 'FORBIDDEN', words: 'permission denied' },
  EROFS: { code: 'FORBIDDEN', words: 'the file system is read-only' },
  ENOSPC: { code: 'NO_SPACE', words: 'the disk is full', hint: 'make room, or choose another disk' },
  EDQUOT: { code: 'NO_SPACE', words: 'the quota is used up', hint: 'make room, or choose another disk' },
  EFBIG: { code: 'NO_SPACE', words: 'the file system takes no file of this size' },
};

/** A failed operation on a local file as a Refusal: `cannot read ./disk.raw: permission denied`. */
export function fileRefusal(error: unknown, doing: string): Refusal {
  if (error instanceof Refusal) return error;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = KNOWN[errno];
  const message = error instanceof Error ? error.message : String(error);
  if (known === undefined) return new Refusal('INTERNAL', `cannot ${doing}: ${message}`, { cause: error });
  return new Refusal(known.code, `cannot ${doing}: ${known.words}`, { hint: known.hint, cause: error });
}

/** Runs file operations, turning what they throw into a Refusal. */
export async function withFile<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileRefusal(error, doing);
  }
}
