import { shellWord } from '../../src/cli/shell-word.ts';

/** A place an image lies at, as the tools are told of it. */
export interface Place {
  readonly confPath: string;
  readonly pool: string;
  readonly imageId: string;
}

/** What people run to get an image from one cluster into another. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  /** It fills an image that is there already. */
  readonly needsTarget: boolean;
  /** It makes the target's snapshot too. */
  readonly makesSnapshot: boolean;
  /** As bash takes it. `ssh`: what to put before a command that is to run at the target's site. */
  command(source: Place, target: Place, ssh: readonly string[]): string;
  /** What of it crosses the network between the sites, as a command that prints it; undefined: nothing does. */
  stream?(source: Place): string;
}

const SNAPSHOT = '@snap';

export const TOOLS: readonly Tool[] = [
  {
    name: 'export-import',
    title: 'rbd export | rbd import',
    needsTarget: false,
    makesSnapshot: false,
    command: (source, target) => `${exported(source)} | ${words(rbd(target, 'import', '-', name(target)))}`,
    stream: exported,
  },
  {
    name: 'export-diff',
    title: 'rbd export-diff | rbd import-diff',
    needsTarget: true,
    makesSnapshot: true,
    command: (source, target) => `${exportedDiff(source)} | ${words(importDiff(target))}`,
    stream: exportedDiff,
  },
  {
    name: 'export-diff-ssh',
    title: 'rbd export-diff | ssh rbd import-diff',
    needsTarget: true,
    makesSnapshot: true,
    command: (source, target, ssh) =>
      `${exportedDiff(source)} | ${words([...ssh, words(importDiff(target))])}`,
    stream: exportedDiff,
  },
  {
    name: 'qemu-img',
    title: 'qemu-img convert -n -W -m 16',
    needsTarget: true,
    makesSnapshot: false,
    command: (source, target) =>
      `qemu-img convert -n -W -m 16 -f raw -O raw ${words([qemuPath(source, SNAPSHOT), qemuPath(target)])}`,
  },
];

/** Fails where qemu-img has not got its driver for rbd, which is a package of its own. */
export function probeQemuCommand(source: Place): string {
  return `qemu-img info ${words([qemuPath(source, SNAPSHOT)])}`;
}

export function createCommand(target: Place, sizeBytes: number): string {
  return words(rbd(target, 'create', '--size', `${sizeBytes}B`, name(target)));
}

export function snapshotCommand(target: Place): string {
  return words(rbd(target, 'snap', 'create', `${name(target)}${SNAPSHOT}`));
}

/** With its snapshots. */
export function removeCommand(target: Place): string {
  return [words(rbd(target, 'snap', 'purge', name(target))), words(rbd(target, 'rm', name(target)))].join(
    ' && ',
  );
}

function exported(source: Place): string {
  return words(rbd(source, 'export', `${name(source)}${SNAPSHOT}`, '-'));
}

function exportedDiff(source: Place): string {
  return words(rbd(source, 'export-diff', `${name(source)}${SNAPSHOT}`, '-'));
}

function importDiff(target: Place): string[] {
  return rbd(target, 'import-diff', '-', name(target));
}

function rbd({ confPath }: Place, ...args: string[]): string[] {
  const hasProgress = args[0] !== 'create';
  return ['rbd', '-c', confPath, '--id', 'images', ...args, ...(hasProgress ? ['--no-progress'] : [])];
}

function name({ pool, imageId }: Place): string {
  return `${pool}/${imageId}`;
}

/** Options follow colons, so what is in a path must not look like one. */
function qemuPath(place: Place, snapshot = ''): string {
  const confPath = place.confPath.replaceAll(/[\\:=@]/g, '\\$&');
  return `rbd:${name(place)}${snapshot}:id=images:conf=${confPath}`;
}

function words(args: readonly string[]): string {
  return args.map(shellWord).join(' ');
}
