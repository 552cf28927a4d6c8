import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const FOLDER = new URL('../../systemd/', import.meta.url);
const UNITS = ['entrepot-hub.service', 'entrepot-agent@.service'] as const;
const MAX_EXPOSURE = 2.5;
const TOOL = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((path) => existsSync(path));

/** Younger than the systemd of Debian 12 (252), which says so of every key it does not know. */
const KEYS_OF_254 = ['RestartSteps', 'RestartMaxDelaySec'];

describe.each(UNITS)('%s', (unit) => {
  it('reports readiness, is watched, restarts, and stops in time', async () => {
    const lines = (await read(unit)).split('\n');
    const daemon = unit.startsWith('entrepot-hub') ? 'hub' : 'agent';
    const config = daemon === 'hub' ? '/etc/entrepot/hub.yaml' : '/etc/entrepot/agent-%i.yaml';
    expect(lines).toEqual(
      expect.arrayContaining([
        'Type=notify',
        'NotifyAccess=main',
        `ExecStartPre=/usr/bin/entrepot config check ${config}`,
        `ExecStart=/usr/bin/entrepot ${daemon} --config ${config}`,
        `User=entrepot-${daemon}`,
        'Restart=on-failure',
        'KillMode=mixed',
        'KillSignal=SIGTERM',
        'Environment=UV_THREADPOOL_SIZE=16',
      ]),
    );
    expect(lines.some((line) => /^WatchdogSec=\d+s$/.test(line))).toBe(true);
    expect(lines.some((line) => /^TimeoutStopSec=\d+s$/.test(line))).toBe(true);
    // V8 writes the code it runs.
    expect(lines.filter((line) => line.startsWith('MemoryDenyWriteExecute='))).toEqual([]);
  });

  it.skipIf(TOOL === undefined)('is understood by systemd (skipped without systemd-analyze)', async () => {
    expect(await complaints(unit, await read(unit))).toEqual([]);
  });

  it.skipIf(TOOL === undefined)(
    `exposes at most ${MAX_EXPOSURE} (skipped without systemd-analyze)`,
    async () => {
      expect(await exposure(unit, await read(unit))).toBeLessThanOrEqual(MAX_EXPOSURE);
    },
  );
});

describe('the users', () => {
  it('are those the units run as', async () => {
    const made = (await read('entrepot.sysusers')).matchAll(/^u (\S+)/gm);
    const wanted = await Promise.all(UNITS.map(async (unit) => /^User=(.*)$/m.exec(await read(unit))?.[1]));
    expect(new Set([...made].map(([, user]) => user))).toEqual(new Set(wanted));
  });
});

describe.skipIf(TOOL === undefined)('these checks (skipped without systemd-analyze)', () => {
  it('find a key that is misspelt and a service laid open', async () => {
    const [unit] = UNITS;
    const text = await read(unit);
    expect(await complaints(unit, text.replace('WatchdogSec=', 'WatchDogSec='))).toHaveLength(1);
    const open = text.replaceAll(/^(Protect|Private|Restrict|System|Capability|NoNew).*\n/gm, '');
    expect(await exposure(unit, open)).toBeGreaterThan(MAX_EXPOSURE);
  });
});

async function read(name: string): Promise<string> {
  return await readFile(new URL(name, FOLDER), 'utf8');
}

/** What `systemd-analyze verify` says, but for keys too young for an older systemd. */
async function complaints(unit: string, text: string): Promise<string[]> {
  const { stderr } = await analyze(unit, text, ['verify', '--man=no']);
  const version = Number(/^systemd (\d+)/.exec((await run(TOOL ?? '', ['--version'])).stdout)?.[1]);
  const tooYoung = version < 254 ? KEYS_OF_254 : [];
  const lines = stderr.split('\n').filter((line) => line !== '');
  // An older systemd loads the file twice, and says everything twice.
  return [...new Set(lines)].filter((line) => !tooYoung.some((key) => line.includes(`'${key}'`)));
}

async function exposure(unit: string, text: string): Promise<number> {
  const { stdout } = await analyze(unit, text, ['security', '--offline=true', '--no-pager']);
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
}

/** On a copy that runs a program this machine has: a missing one is a complaint. */
async function analyze(
  unit: string,
  text: string,
  args: string[],
): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'entrepot-units-'));
  try {
    const path = join(folder, unit);
    await writeFile(path, text.replaceAll('/usr/bin/entrepot', process.execPath));
    return await run(TOOL ?? '', [...args, path], { env: { ...process.env, LC_ALL: 'C' } });
  } finally {
    await rm(folder, { recursive: true });
  }
}
