// Run after `npm install`: makes package-lock.json fit every machine.
//
// A registry that carries only some platforms' binaries makes npm leave the
// others' optional packages out of the lockfile, and then `npm ci` refuses the
// lockfile on every machine. They are written back here with the os, cpu and
// libc their names state, so that npm skips them where they do not fit.
// Addresses are left out: a lockfile names versions and hashes, not hosts.
import { readFileSync, writeFileSync } from 'node:fs';

const PATH = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

const lock = JSON.parse(readFileSync(PATH, 'utf8'));
for (const entry of Object.values(lock.packages)) {
  delete entry.resolved;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const words = name.split(/[-_/@]/);
    const os =
      SYSTEMS.find((system) => words.includes(system)) ?? (words.includes('linuxmusl') ? 'linux' : undefined);
    if (lock.packages[path] || os === undefined) continue;
    const cpu = PROCESSORS.find((processor) => words.includes(processor)) ?? 'arm';
    const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
    lock.packages[path] = {
      version,
      cpu: [cpu],
      ...(entry.dev && { dev: true }),
      ...(os === 'linux' && { libc: [libc] }),
      optional: true,
      os: [os],
    };
  }
}
const inOrder = ([a], [b]) => (a < b ? -1 : 1);
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(inOrder));
writeFileSync(PATH, `${JSON.stringify(lock, undefined, 2)}\n`);
