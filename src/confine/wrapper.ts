import type { Limits } from './limits.ts';

/**
 * How a program gets a network of its own, in which there is nothing: with a user namespace, which
 * anybody may make where the system lets them, or without one, which only root may.
 */
export type Isolation = 'user-namespace' | 'root';

const UNSHARE: Readonly<Record<Isolation, readonly string[]>> = {
  'user-namespace': ['--user', '--map-current-user', '--net'],
  root: ['--net'],
};

/** Between the signal that tells which limit it was (SIGXCPU) and the one that nobody survives. */
const LAST_CPU_SECONDS = 5;

/** Programs of util-linux that a confined one is started through. */
export const WRAPPERS = ['unshare', 'prlimit', 'setpriv'] as const;

/**
 * The command line that runs `command` confined. Every program on it becomes the next one, so that the
 * process started is the one that is confined in the end.
 *
 * The order matters: a new user namespace forgets who is to be told of the parent's death, so setpriv
 * comes last; and the number of processes is counted per namespace, so prlimit comes after unshare.
 */
export function confined(
  isolation: Isolation,
  { memoryBytes, cpuSeconds, processes }: Limits,
  isRoot: boolean,
  command: readonly string[],
): string[] {
  const cpu = Math.ceil(cpuSeconds);
  return [
    'unshare',
    ...UNSHARE[isolation],
    '--',
    'prlimit',
    `--as=${Math.floor(memoryBytes)}`,
    `--cpu=${cpu}:${cpu + LAST_CPU_SECONDS}`,
    `--nproc=${processes}`,
    // It talks through pipes and sockets; whatever file it wrote would be one too many.
    '--fsize=0',
    '--core=0',
    '--',
    'setpriv',
    '--pdeathsig=KILL',
    '--no-new-privs',
    // Others have no capability that they could lose, nor the right to give up what they might get.
    ...(isRoot ? ['--inh-caps=-all', '--bounding-set=-all'] : []),
    '--',
    ...command,
  ];
}
