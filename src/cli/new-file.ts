import { lstat } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import { withFile } from './file-errors.ts';

/**
 * ALREADY_EXISTS when something has this name: what holds a secret is never written over something
 * else. `hint` says what to do then.
 */
export async function requireNewFile(path: string, hint: string): Promise<void> {
  const stats = await withFile(`write ${path}`, () =>
    lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }),
  );
  if (stats !== undefined) throw new Refusal('ALREADY_EXISTS', `${path} is there already`, { hint });
}
