import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a daemon may take to go by itself. */
const STOP_GRACE_MS = 10_000;
const POLL_MS = 20;

export const DAEMONS = ['osd', 'mon'] as const;
export type DaemonKind = (typeof DAEMONS)[number];

/**
 * The process of a cluster's daemon, undefined when it does not run. A pid file may be
 * stale and its number reused: only a process whose command line names this cluster's
 * ceph.conf is the daemon.
 */
export function daemonPid(folder: string, kind: DaemonKind): number | undefined {
  const pid = Number(readOrEmpty(path.join(folder, `${kind}.pid`)).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const words = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
  const isDaemon = words[0]?.endsWith(`ceph-${kind}`) && words.includes(path.join(folder, 'ceph.conf'));
  return isDaemon && !isZombie(pid) ? pid : undefined;
}

/** SIGTERM (or `signal`), wait for the process to go, SIGKILL after ten seconds. */
export async function stopDaemon(
  folder: string,
  kind: DaemonKind,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  const daemon = signalDaemon(folder, kind, signal);
  if (daemon === undefined || (await isGone(daemon))) return;
  signalDaemon(folder, kind, 'SIGKILL');
  if (!(await isGone(daemon))) throw new Error(`ceph-${kind} in ${folder} will not die`);
}

interface Process {
  readonly pid: number;
  readonly start: string | undefined;
}

/** The process that was signalled; undefined when there is none. */
export function signalDaemon(folder: string, kind: DaemonKind, signal: NodeJS.Signals): Process | undefined {
  const pid = daemonPid(folder, kind);
  if (pid === undefined) return undefined;
  const start = processStart(pid);
  try {
    process.kill(pid, signal);
    return { pid, start };
  } catch {
    return undefined;
  }
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
