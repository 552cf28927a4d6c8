import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../../domain/refusal.ts';
import { errnoCode } from './errno.ts';
import { libc } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the file at `path` for this process, until the handle is closed or the process
 * ends, by SIGKILL too: the lock is the kernel's (flock), the file is only its name and
 * stays. It holds the owner's process id, for the message. UNAVAILABLE when another has it.
 */
export async function takeLock(path: string, what: string): Promise<FileHandle> {
  const handle = await open(path, 'a+', 0o600);
  try {
    await libc().flock(handle.fd, LOCK_EX | LOCK_NB);
    await handle.truncate(0);
    await handle.write(`${process.pid}\n`);
    return handle;
  } catch (error) {
    const owner = await ownerOf(handle);
    await handle.close();
    if (errnoCode(error) !== 'EAGAIN' && errnoCode(error) !== 'EWOULDBLOCK') throw error;
    throw new Refusal('UNAVAILABLE', `${what} is in use by ${owner}`, {
      hint: 'a folder serves one agent: stop the other one, or give this one a folder of its own',
      cause: error,
    });
  }
}

async function ownerOf(handle: FileHandle): Promise<string> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(16), 0, 16, 0);
  const pid = buffer.toString('latin1', 0, bytesRead).trim();
  return /^\d+$/.test(pid) ? `process ${pid}` : 'another process';
}
