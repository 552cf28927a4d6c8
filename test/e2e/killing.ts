import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from '../cloud/wait.ts';
import type { Bench } from './helpers-file.ts';

/** What a daemon has started dies with it, but for what a slow disk holds up. */
const GONE_MS = 10_000;

/** Ids of the processes right below a daemon. */
export function children(bench: Bench, name: string): number[] {
  const { pid } = bench.daemon(name);
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** SIGKILLs daemons all at once; settles when they, and what they had started, are gone. */
export async function killDaemons(bench: Bench, ...names: string[]): Promise<void> {
  const below = names.flatMap((name) => children(bench, name));
  await Promise.all(names.map((name) => bench.daemon(name).kill('SIGKILL')));
  await waitFor('what the daemons had started to be gone', () => !below.some(isAlive), GONE_MS);
}

/** Starts daemons again, all at once; settles when they are ready. */
export async function startDaemons(bench: Bench, ...names: string[]): Promise<void> {
  for (const name of names) bench.daemon(name).spawn();
  await Promise.all(names.map((name) => bench.daemon(name).ready()));
}

export async function killAndStart(bench: Bench, ...names: string[]): Promise<void> {
  await killDaemons(bench, ...names);
  await startDaemons(bench, ...names);
}

/** Command lines of the processes there are, whoever their parent is. */
export function commands(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
}

function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  // One that has ended, and that nobody waited for, is not.
  return status !== '' && !/^State:\s+[ZX]/m.test(status);
}

/** Empty when the thread or process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
