import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CA_FILE, CA_KEY_FILE, IDENTITY_FILE } from '../../src/trust/credentials.ts';

const run = promisify(execFile);
const FOLDER = new URL('../../systemd/', import.meta.url);
const UNITS = ['entrepot-hub.service', 'entrepot-agent@.service'] as const;

/** As systemd 252 weighs it, the hub is at 1.1, the agent at 1.5; a younger one may weigh a little differently. */
const MAX_EXPOSURE = 1.8;
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
        `Group=entrepot-${daemon}`,
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

  it('can write its state and a /tmp of its own, and run neither', async () => {
    const settings = settingsIn(await read(unit));
    const folder = unit.startsWith('entrepot-hub') ? 'entrepot-hub' : 'entrepot-agent/%i';
    expect(settings.get('ProtectSystem')).toEqual(['strict']);
    expect(settings.get('ProtectHome')).toEqual(['yes']);
    expect(settings.get('PrivateTmp')).toEqual(['yes']);
    expect(settings.get('StateDirectory')).toEqual([folder]);
    expect(settings.get('StateDirectoryMode')).toEqual(['0700']);
    expect(settings.get('NoExecPaths')).toEqual([`/tmp /var/tmp /var/lib/${folder}`]);
    const more = /^(ReadWritePaths|ExecPaths|Bind.*|Runtime.*|Cache.*|Logs.*|Configuration.*)$/;
    expect([...settings.keys()].filter((key) => more.test(key))).toEqual([]);
  });

  it('has no core written, and bounds of what it may take of the machine', async () => {
    const settings = settingsIn(await read(unit));
    expect(settings.get('LimitCORE')).toEqual(['0']);
    expect(settings.get('MemoryMax')?.[0]).toMatch(/^\dG$/);
    expect(settings.get('TasksMax')?.[0]).toMatch(/^\d+$/);
  });

  it.skipIf(TOOL === undefined)('is understood by systemd (skipped without systemd-analyze)', async () => {
    expect(await complaints(unit, await read(unit))).toEqual([]);
  });

  it.skipIf(TOOL === undefined)(
    `exposes at most ${MAX_EXPOSURE} (skipped without systemd-analyze)`,
    async () => {
      expect((await security(unit, await read(unit))).exposure).toBeLessThanOrEqual(MAX_EXPOSURE);
    },
  );

  it.skipIf(TOOL === undefined)(
    'says of each right it has left what for, and of no other (skipped without systemd-analyze)',
    async () => {
      const text = await read(unit);
      const explained = /\n# What is left,.*\n((?:# .*\n)+)/.exec(text)?.[1] ?? '';
      const named = [...explained.matchAll(/^# {3}(\S.*)$/gm)].flatMap(([, names = '']) => names.split(', '));
      expect(named.sort()).toEqual((await security(unit, text)).rights.sort());
    },
  );
});

describe('namespaces', () => {
  it('can be made by the agent, for the programs it runs, as far as these need it', async () => {
    expect(settingsIn(await read('entrepot-agent@.service')).get('RestrictNamespaces')).toEqual(['user net']);
    expect(settingsIn(await read('entrepot-hub.service')).get('RestrictNamespaces')).toEqual(['yes']);
  });
});

describe('the credentials', () => {
  it('of the hub are all that its folder holds, from files of root', async () => {
    const given = settingsIn(await read('entrepot-hub.service')).get('LoadCredential');
    const files = [CA_FILE, CA_KEY_FILE, IDENTITY_FILE];
    expect(given).toEqual(files.map((name) => `${name}:/etc/entrepot/credentials/${name}`));
  });

  it('of an agent are its key of Ceph; its certificate it renews itself', async () => {
    const given = settingsIn(await read('entrepot-agent@.service')).get('LoadCredential');
    expect(given).toEqual(['keyring:/etc/ceph/ceph.client.images.keyring']);
  });

  it('and the state of one daemon cannot be reached by the other', async () => {
    const hidden = await Promise.all(
      UNITS.map(async (unit) => settingsIn(await read(unit)).get('InaccessiblePaths')),
    );
    const [ofHub, ofAgent] = hidden.map((lines) => (lines ?? []).join(' ').split(' '));
    expect(ofHub).toEqual(expect.arrayContaining(['-/etc/ceph', '-/var/lib/entrepot-agent']));
    expect(ofAgent).toEqual(expect.arrayContaining(['-/etc/entrepot/credentials', '-/var/lib/entrepot-hub']));
  });
});

describe('the users', () => {
  it('are those the units run as', async () => {
    const made = (await read('entrepot.sysusers')).matchAll(/^u (\S+)/gm);
    const wanted = await Promise.all(UNITS.map(async (unit) => /^User=(.*)$/m.exec(await read(unit))?.[1]));
    expect(new Set([...made].map(([, user]) => user))).toEqual(new Set(wanted));
    expect(new Set(wanted).size).toBe(UNITS.length);
  });
});

describe.skipIf(TOOL === undefined)('these checks (skipped without systemd-analyze)', () => {
  it('find a key that is misspelt and a service laid open', async () => {
    const [unit] = UNITS;
    const text = await read(unit);
    expect(await complaints(unit, text.replace('WatchdogSec=', 'WatchDogSec='))).toHaveLength(1);
    const open = text.replaceAll(/^(Protect|Private|Restrict|System|Capability|NoNew).*\n/gm, '');
    const { exposure, rights } = await security(unit, open);
    expect(exposure).toBeGreaterThan(MAX_EXPOSURE);
    expect(rights).toContain('ProtectSystem=');
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

/** What `systemd-analyze security` finds: a number from 0 to 10, and the rights that are left. */
async function security(unit: string, text: string): Promise<{ exposure: number; rights: string[] }> {
  const { stdout } = await analyze(unit, text, ['security', '--offline=true', '--no-pager']);
  return {
    exposure: Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]),
    rights: [...stdout.matchAll(/^[-✗] (\S+)/gm)].map(([, name = '']) => name),
  };
}

/** Every setting of a unit, with its values in the order of the file. */
function settingsIn(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const [, key = '', value = ''] of text.matchAll(/^(\w+)=(.*)$/gm)) {
    settings.set(key, [...(settings.get(key) ?? []), value]);
  }
  return settings;
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
