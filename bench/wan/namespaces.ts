import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { processStart } from '../../test/ceph/cluster/daemon.ts';

const PREFIX = 'entrepot-wan';
const FOLDER = '/run/netns';
/** By the packages that bring them. */
const PROGRAMS = { ip: 'iproute2', tc: 'iproute2', nsenter: 'util-linux' } as const;
const COMMAND_TIMEOUT_MS = 30_000;

/** Who made a namespace or a folder: a process, and when it began, since its number will be another's one day. */
export interface Owner {
  readonly pid: number;
  readonly start: string;
}

/** One line saying what this machine lacks for sites of their own; undefined when nothing. */
export function sitesMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces are for root';
  const folders = (process.env['PATH'] ?? '').split(':');
  const programs = Object.keys(PROGRAMS).filter(
    (name) => !folders.some((one) => existsSync(join(one, name))),
  );
  if (programs.length === 0) return undefined;
  const packages = new Set(programs.map((name) => PROGRAMS[name as keyof typeof PROGRAMS]));
  return `${programs.join(', ')} missing (Debian: apt-get install ${[...packages].join(' ')})`;
}

export function thisProcess(): Owner {
  return { pid: process.pid, start: processStart(process.pid) ?? '' };
}

/** What the names of all begin with that an owner makes: `entrepot-wan-PID-START-`. */
export function prefixOf({ pid, start }: Owner): string {
  return `${PREFIX}-${pid}-${start}-`;
}

/** Undefined of a name that no bench gave. */
export function ownerOf(name: string): Owner | undefined {
  const [, pid, start] = /^entrepot-wan-(\d+)-(\d+)-/.exec(name) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}

export function namespacePath(namespace: string): string {
  return join(FOLDER, namespace);
}

/** The one door to iproute2's `ip` and `tc`. Resolves with what was printed. */
export async function network(
  program: 'ip' | 'tc',
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await execa(program, args, {
    timeout: COMMAND_TIMEOUT_MS,
    ...(signal !== undefined && { cancelSignal: signal }),
  });
  return stdout;
}

/** With its loopback up. Disposing of it kills what runs in it. */
export class Namespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(name: string): Promise<Namespace> {
    await network('ip', ['netns', 'add', name]);
    const namespace = new Namespace(name);
    try {
      await network('ip', ['-n', name, 'link', 'set', 'dev', 'lo', 'up']);
      return namespace;
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    removeNamespace(this.name);
  }
}

/** At once, with all that runs in it. Nothing happens when it is gone. */
export function removeNamespace(name: string): void {
  try {
    const pids = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' });
    for (const pid of pids.split('\n').filter(Boolean).map(Number)) kill(pid);
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' });
  } catch (error) {
    if (namespaces().includes(name)) throw error;
  }
}

/** Namespaces and folders of benches that ended without removing them. */
export async function removeLeftovers(): Promise<void> {
  const isLeft = (name: string) => {
    const owner = ownerOf(name);
    return owner !== undefined && processStart(owner.pid) !== owner.start;
  };
  for (const name of namespaces().filter(isLeft)) removeNamespace(name);
  for (const name of readdirSync(tmpdir()).filter(isLeft)) {
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function namespaces(): string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    // Nobody on this machine has made one yet.
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
