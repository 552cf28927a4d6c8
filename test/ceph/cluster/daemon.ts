import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a daemon may take to go by itself. */
const STOP_GRACE_MS = 10_000;
const POLL_MS = 20;

export const DAEMONS = ['osd', 'mon'] as const;
export type DaemonKind = (typeof DAEMONS)[number];

interface Process {
  readonly pid: number;
  readonly start: string | undefined;
}

/**
 * The processes of a cluster's daemon: none, one, or two while it goes to the background. They are known
 * by their command line, which names this cluster's ceph.conf: a pid file is written late, and may be
 * stale, its number another's by now.
 */
export function daemonPids(folder: string, kind: DaemonKind): number[] {
  const confPath = path.join(folder, 'ceph.conf');
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    const words = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
    return words[0]?.endsWith(`ceph-${kind}`) && words.includes(confPath) ? [pid] : [];
  });
}

/** SIGTERM (or `signal`), wait for the processes to go, SIGKILL after ten seconds. */
export async function stopDaemon(
  folder: string,
  kind: DaemonKind,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  for (const next of [signal, 'SIGKILL'] as const) {
    const signalled = signalDaemon(folder, kind, next);
    const gone = await Promise.all(signalled.map(isGone));
    if (gone.every(Boolean)) return;
  }
  throw new Error(`ceph-${kind} in ${folder} will not die`);
}

/** The processes that were signalled. */
export function signalDaemon(folder: string, kind: DaemonKind, signal: NodeJS.Signals): Process[] {
  return daemonPids(folder, kind).flatMap((pid) => {
    const start = processStart(pid);
    try {
      process.kill(pid, signal);
      return [{ pid, start }];
    } catch {
      return [];
    }
  });
}

/** A dying process loses its command line before its files and locks: only the end of the process counts. */
async function isGone({ pid, start }: Process): Promise<boolean> {
  const deadline = Date.now() + STOP_GRACE_MS;
  while (processStart(pid) === start && !isZombie(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** When a process started, in clock ticks since boot; undefined when there is none. Tells a reused pid. */
export function processStart(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** Dead and only waiting to be reaped. A leader that is dead while other threads live still holds its locks. */
export function isZombie(pid: number): boolean {
  const fields = statFields(pid);
  return fields?.[0] === 'Z' && Number(fields[17]) <= 1;
}

/** Fields of /proc/PID/stat from the state on; the name before them may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
