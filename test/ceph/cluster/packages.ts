import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'ceph', 'rbd', 'qemu-img', 'xz'];
const LIBRARIES = ['librbd.so.1', 'librados.so.2'];
const PACKAGES = [
  'ceph-mon',
  'ceph-osd',
  'ceph-common',
  'qemu-utils',
  'qemu-block-extra',
  'xz-utils',
  'librbd1',
];
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** One line saying what the Ceph tests lack on this machine; undefined when nothing. */
export async function cephMissing(): Promise<string | undefined> {
  const missing: string[] = [];
  for (const program of PROGRAMS) if (!(await isInPath(program))) missing.push(program);
  const known = await knownLibraries();
  for (const library of LIBRARIES) if (!known.includes(library)) missing.push(library);
  return missing.length === 0 ? undefined : `Ceph is not installed: ${missing.join(', ')} missing`;
}

/**
 * Installs what is missing, as root on Debian or Ubuntu, after saying so in one line by `log`.
 * Undefined when all is there in the end; otherwise one line why it is not.
 */
export async function ensureCeph(log: (line: string) => void = logToStderr): Promise<string | undefined> {
  const missing = await cephMissing();
  if (missing === undefined) return undefined;
  if (!(await isInPath('apt-get'))) return `${missing} (no apt-get here to install it with)`;
  if (process.getuid?.() !== 0) return `${missing} (as root: apt-get install ${PACKAGES.join(' ')})`;
  log(`${missing}; installing ${PACKAGES.join(' ')} with apt-get, which takes a minute or two`);
  try {
    await aptGet('update');
    await aptGet('install', '--yes', '--no-install-recommends', ...PACKAGES);
  } catch (error) {
    return `${missing} (apt-get failed: ${lastLine(error)})`;
  }
  return await cephMissing();
}

async function aptGet(...args: string[]): Promise<void> {
  await execa('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    timeout: INSTALL_TIMEOUT_MS,
  });
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? 'no reason given';
}

function logToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function isInPath(program: string): Promise<boolean> {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder !== '' && (await isExecutable(path.join(folder, program)))) return true;
  }
  return false;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the dynamic loader knows, one library a line; empty where there is no ldconfig. */
async function knownLibraries(): Promise<string> {
  for (const ldconfig of ['ldconfig', '/sbin/ldconfig']) {
    const { stdout, failed } = await execa(ldconfig, ['-p'], { reject: false });
    if (!failed) return stdout;
  }
  return '';
}
