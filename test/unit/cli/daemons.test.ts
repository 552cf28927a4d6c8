import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Daemons } from '../../../src/cli/program.ts';
import { entrepot, entrepotWith, Folder, start } from './run.ts';

const HUB = 'catalogue: ./hub.db\n';

let folder: Folder;
let valid: string;
let wrong: string;
beforeAll(async () => {
  folder = await Folder.make();
  valid = folder.file('hub.yaml');
  wrong = folder.file('wrong.yaml');
  await writeFile(valid, HUB);
  await writeFile(wrong, `${HUB}cataloge: x\n`);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('config check', () => {
  it('says what a valid file is', async () => {
    expect(await entrepot('config', 'check', valid)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${valid}: a valid configuration of a hub\n`,
    });
    expect(JSON.parse((await entrepot('config', 'check', valid, '-o', 'json')).stdout)).toEqual({
      file: valid,
      kind: 'hub',
    });
  });

  it('names file, line and key of a mistake', async () => {
    const { code, stdout, stderr } = await entrepot('config', 'check', wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${wrong}:2:`);
    expect(stderr).toContain('cataloge');
  });
});

describe('hub and agent', () => {
  it.each(['hub', 'agent'])('%s does not start with a configuration that is wrong', async (command) => {
    const { code, stderr } = await start([command, '--config', wrong]).outcome;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^entrepot: /);
    expect(stderr).toContain(wrong);
    // Nothing was asked of a hub: no log knows this command.
    expect(stderr).not.toContain('request id');
  });

  it('are run with their configuration', async () => {
    const ran: string[] = [];
    const daemons = {
      runHub: async (path: string) => void ran.push(`hub ${path}`),
      runAgent: async (path: string) => void ran.push(`agent ${path}`),
    };
    for (const command of ['hub', 'agent']) {
      expect(await entrepotWith(daemons, command, '--config', 'x.yaml')).toMatchObject({
        code: 0,
        stderr: '',
      });
    }
    expect(ran).toEqual(['hub x.yaml', 'agent x.yaml']);
  });

  it.each([
    ['hub', 'inti'],
    ['agent', 'jion'],
  ])('%s takes no argument but its commands', async (command, mistake) => {
    const { code, stderr } = await entrepot(command, mistake, '--config', valid);
    expect(code).toBe(2);
    expect(stderr).toContain(mistake);
  });
});

describe('hub init', () => {
  const asked: unknown[] = [];
  const made = ['ca.pem', 'ca.key', 'identity.pem'];
  const daemons = {
    initHub: async ({ config, ...rest }: Parameters<Daemons['initHub']>[0]) => {
      asked.push({ credentials: config.credentials, ...rest });
      return { made: made.map((name) => `${config.credentials}/${name}`) };
    },
  };

  it('says what was made, and what to do next', async () => {
    const outcome = await entrepotWith(
      daemons,
      'hub',
      'init',
      '--config',
      valid,
      '--credentials',
      '/home/a/c',
    );
    expect(asked.splice(0)).toEqual([
      { credentials: folder.file('credentials'), operatorName: 'admin', operatorFolder: '/home/a/c' },
    ]);
    expect(outcome).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'made:',
        ...made.map((name) => `  ${folder.file(`credentials/${name}`)}`),
        `the credentials of the hub are in ${folder.file('credentials')}`,
        'the credentials of operator admin, an admin, are in /home/a/c',
        'next:',
        `  entrepot hub --config ${valid}`,
        '  entrepot store add central --role central --credentials /home/a/c',
        '',
      ].join('\n'),
    });
  });

  it('takes the name and the folder of the operator', async () => {
    const args = ['hub', 'init', '--config', valid, '--operator', 'alice'];
    const mine = "/home/alice's";
    const { stdout } = await entrepotWith(daemons, ...args, '--operator-credentials', mine, '-o', 'json');
    expect(asked.splice(0)).toEqual([
      { credentials: folder.file('credentials'), operatorName: 'alice', operatorFolder: mine },
    ]);
    expect(JSON.parse(stdout)).toEqual({
      folder: folder.file('credentials'),
      operator: 'alice',
      operator_folder: mine,
      made: made.map((name) => folder.file(`credentials/${name}`)),
      next: [
        `entrepot hub --config ${valid}`,
        "entrepot store add central --role central --credentials '/home/alice'\\''s'",
      ],
    });
  });

  describe('with a folder that systemd fills', () => {
    let config: string;
    beforeAll(async () => {
      config = folder.file('unit.yaml');
      await writeFile(config, `${HUB}credentials: $CREDENTIALS_DIRECTORY\n`);
    });
    afterEach(() => vi.unstubAllEnvs());

    it('makes nothing where there is no such folder', async () => {
      vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
      const outcome = await entrepotWith(daemons, 'hub', 'init', '--config', config);
      expect(outcome).toEqual({
        code: 2,
        stdout: '',
        stderr:
          `entrepot: \`credentials\` of ${config} is $CREDENTIALS_DIRECTORY, which systemd makes for a unit and is not here\n` +
          'hint: name the folder that LoadCredential= of the unit reads, as in --hub-credentials /etc/entrepot/credentials\n',
      });
      expect(asked).toEqual([]);
    });

    it('writes where the variable says', async () => {
      vi.stubEnv('CREDENTIALS_DIRECTORY', '/etc/entrepot/credentials');
      const args = ['hub', 'init', '--config', config, '--operator-credentials', '/root/admin'];
      await entrepotWith(daemons, ...args);
      expect(asked.splice(0)).toMatchObject([{ credentials: '/etc/entrepot/credentials' }]);
    });

    it('writes where the unit reads', async () => {
      vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
      const args = ['hub', 'init', '--config', config, '--operator-credentials', '/root/admin'];
      const { stdout } = await entrepotWith(
        daemons,
        ...args,
        '--hub-credentials',
        '/etc/entrepot/credentials',
      );
      expect(asked.splice(0)).toEqual([
        {
          credentials: '/etc/entrepot/credentials',
          operatorName: 'admin',
          operatorFolder: '/root/admin',
        },
      ]);
      expect(stdout).toContain('the hub looks for them in $CREDENTIALS_DIRECTORY: see');
      // Who starts the hub by hand would start it without them.
      expect(stdout).toMatch(
        /next:\n {2}entrepot store add central --role central --credentials \/root\/admin\n$/,
      );
    });
  });

  it('says when there was nothing to do', async () => {
    const nothing = { initHub: async () => ({ made: [] }) };
    const { stdout } = await entrepotWith(nothing, 'hub', 'init', '--config', valid);
    expect(stdout).toMatch(/^everything was there already\n/);
    // The folder is where this command line looks anyway.
    expect(stdout).toMatch(/store add central --role central\n$/);
  });

  it.each([
    ['a configuration that is wrong', () => [wrong], 'cataloge'],
    ['a configuration that is not there', () => ['/nowhere.yaml'], '/nowhere.yaml is not there'],
    ['a name that is none', () => [valid, '--operator', 'Root'], "operator name 'Root' is not valid"],
  ])('makes nothing of %s', async (_, args, message) => {
    const { code, stderr } = await entrepotWith(daemons, 'hub', 'init', '--config', ...args());
    expect(code).toBeGreaterThan(1);
    expect(stderr).toContain(message);
    expect(asked).toEqual([]);
  });
});
