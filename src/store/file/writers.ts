import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';

/** O_WRONLY and O_RDWR of open(2). */
const WRITE_FLAGS = 0o3;

/**
 * Processes that have the file open for writing, as `process 4711`. Only those that we may look at: our own user's,
 * all for root. Nobody where there is no Linux /proc.
 */
export async function writersOf(file: Stats): Promise<string[]> {
  const pids = (await unlessHidden(readdir('/proc'))).filter((name) => /^\d+$/.test(name));
  const writers: string[] = [];
  for (const pid of pids) if (await writes(pid, file)) writers.push(`process ${pid}`);
  return writers;
}

async function writes(pid: string, file: Stats): Promise<boolean> {
  for (const fd of await unlessHidden(readdir(`/proc/${pid}/fd`))) {
    const target = await stat(`/proc/${pid}/fd/${fd}`).catch(() => undefined);
    if (target?.ino !== file.ino || target.dev !== file.dev) continue;
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? '0', 8);
    if ((flags & WRITE_FLAGS) !== 0) return true;
  }
  return false;
}

/** [] for a process of somebody else, or one that has ended. */
async function unlessHidden(names: Promise<string[]>): Promise<string[]> {
  return await names.catch(() => []);
}
