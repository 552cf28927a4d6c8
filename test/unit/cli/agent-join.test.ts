import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Daemons } from '../../../src/cli/program.ts';
import { createApiToken, createJoinToken } from '../../../src/trust/secret-token.ts';
import { waitFor } from '../../cloud/wait.ts';
import { entrepot, entrepotWith, Folder, type Outcome, start } from './run.ts';
import { NOON_MS } from './samples.ts';

const TOKEN = createJoinToken('dcn0', 'ab'.repeat(32));
const AGENT = 'store: dcn0\nhub: hub.example:7440\ndriver: { type: file, folder: ./store }\n';

let folder: Folder;
let config: string;
let tokenFile: string;
beforeAll(async () => {
  folder = await Folder.make();
  config = folder.file('agent.yaml');
  tokenFile = folder.file('dcn0.token');
  await writeFile(config, AGENT);
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
});
afterAll(() => folder[Symbol.asyncDispose]());

let asked: unknown[];
beforeEach(() => {
  asked = [];
});
afterEach(() => {
  delete process.env['ENTREPOT_JOIN_TOKEN'];
});

const daemons: Partial<Daemons> = {
  joinAgent: async (request) => {
    asked.push(request);
    return { storeId: 'dcn0', expiresAtMs: NOON_MS };
  },
};

async function join(...args: string[]): Promise<Outcome> {
  const outcome = await entrepotWith(daemons, 'agent', 'join', ...args);
  expect(outcome.stdout + outcome.stderr).not.toContain(TOKEN);
  return outcome;
}

describe('agent join', () => {
  it('takes hub and folder from the configuration of the agent', async () => {
    expect(await join('--config', config, '--token-file', tokenFile)).toEqual({
      code: 0,
      stderr: '',
      stdout:
        'joined as the agent of store dcn0\n' +
        `its credentials are in ${folder.file('credentials')}, good until 2026-11-20 12:00:00Z; the agent renews them by itself\n` +
        `next: entrepot agent --config ${config}\n`,
    });
    expect(asked).toEqual([{ hub: 'hub.example:7440', token: TOKEN, folder: folder.file('credentials') }]);
  });

  it('dials another address than the configuration has when one is typed', async () => {
    await join('--config', config, '--token-file', tokenFile, '--hub', '192.0.2.1:7440');
    expect(asked).toMatchObject([{ hub: '192.0.2.1:7440' }]);
  });

  it('writes to another folder than the configuration has when one is typed', async () => {
    const args = ['--config', config, '--token-file', tokenFile];
    const { stdout } = await join(...args, '--credentials', '/c');
    expect(asked).toMatchObject([{ hub: 'hub.example:7440', folder: '/c' }]);
    expect(stdout).toContain(`the agent looks for them in ${folder.file('credentials')}: see`);
    const same = await join(...args, '--credentials', folder.file('credentials'));
    expect(same.stdout).not.toContain('the agent looks for them');
  });

  it('makes nothing in a folder that systemd fills', async () => {
    const unit = folder.file('unit.yaml');
    await writeFile(unit, `${AGENT}credentials: $CREDENTIALS_DIRECTORY/agent\n`);
    const args = ['--config', unit, '--token-file', tokenFile];
    const { code, stderr } = await join(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(
      'is $CREDENTIALS_DIRECTORY/agent, which systemd makes for a unit and is not here\n',
    );
    expect(stderr).toContain(
      'hint: an agent renews its certificate: set it to a folder that the agent can write',
    );
    expect(asked).toEqual([]);
    await join(...args, '--credentials', '/c');
    expect(asked).toMatchObject([{ folder: '/c' }]);
  });

  it('does without a configuration', async () => {
    const args = ['--hub', '192.0.2.1:7440', '--token', TOKEN];
    const { stdout } = await join(...args, '--credentials', '/etc/entrepot/c', '-o', 'json');
    expect(JSON.parse(stdout)).toEqual({
      store_id: 'dcn0',
      folder: '/etc/entrepot/c',
      expires_at: '2026-11-20T12:00:00.000Z',
      next: ['entrepot agent --config agent.yaml'],
    });
    await join(...args);
    expect(asked).toEqual([
      { hub: '192.0.2.1:7440', token: TOKEN, folder: '/etc/entrepot/c' },
      { hub: '192.0.2.1:7440', token: TOKEN, folder: './credentials' },
    ]);
  });

  it("never takes the operator's folder of the environment for the agent's", async () => {
    process.env['ENTREPOT_CREDENTIALS'] = '/home/alice/c';
    try {
      await join('--token', TOKEN);
      await join('--config', config, '--token', TOKEN);
    } finally {
      delete process.env['ENTREPOT_CREDENTIALS'];
    }
    expect(asked).toMatchObject([{ folder: './credentials' }, { folder: folder.file('credentials') }]);
  });

  it('takes the token from the environment when it is nowhere else', async () => {
    process.env['ENTREPOT_JOIN_TOKEN'] = `${TOKEN}\n`;
    await join('--config', config);
    process.env['ENTREPOT_JOIN_TOKEN'] = 'another';
    await join('--config', config, '--token-file', tokenFile);
    await join('--config', config, '--token', TOKEN);
    expect(asked).toMatchObject([{ token: TOKEN }, { token: TOKEN }, { token: TOKEN }]);
  });
});

describe('agent join is refused, and no hub is asked', () => {
  const cases: [string, () => string[], number, RegExp][] = [
    [
      'without a token',
      () => [],
      2,
      /^entrepot: no join token was given\nhint: --token - takes it from standard input/,
    ],
    ['with a token that is none', () => ['--token', 'x'], 2, /^entrepot: this is not a join token\n/],
    ['with half a token', () => ['--token', TOKEN.slice(0, -9)], 2, /^entrepot: this is not a join token\n/],
    ['with an empty token', () => ['--token', ''], 2, /^entrepot: this is not a join token\n/],
    [
      'with a file that is not there',
      () => ['--token-file', '/nowhere'],
      3,
      /\/nowhere: there is no such file\n/,
    ],
    [
      'with two tokens',
      () => ['--token-file', tokenFile, '--token', '-'],
      2,
      /option '--token-file <file>' cannot be used with option '--token <token>'/,
    ],
    [
      'with a configuration that is not there',
      () => ['--config', '/no.yaml', '--token', TOKEN],
      3,
      /no\.yaml/,
    ],
    [
      "with another store's token",
      () => ['--config', config, '--token', createJoinToken('dcn1', 'ab'.repeat(32))],
      2,
      /the token is for store dcn1, and \S+agent\.yaml is of store dcn0\nhint: `entrepot store add dcn0` makes one/,
    ],
  ];
  it.each(cases)('%s', async (_, args, code, message) => {
    const outcome = await join(...args());
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
    expect(asked).toEqual([]);
  });

  it.each(['0644', '0640'])('with a file that others can read: mode %s', async (mode) => {
    const file = folder.file('open.token');
    await writeFile(file, TOKEN);
    await chmod(file, Number.parseInt(mode, 8));
    const { code, stderr } = await join('--token-file', file);
    expect(code).toBe(2);
    expect(stderr).toContain(`hint: chmod 600 ${file}\n`);
    expect(asked).toEqual([]);
  });
});

describe('a token in the wrong place', () => {
  it.each([
    ['an argument too many', ['agent', 'join', TOKEN]],
    ['a store', ['store', 'add', TOKEN]],
    ['an address', ['store', 'list', '--hub', TOKEN]],
    ['an option', ['agent', 'join', `--${TOKEN}`]],
    ['for a script', ['store', 'add', TOKEN, '-o', 'json']],
  ])('is not printed: %s', async (_, args) => {
    const { code, stderr } = await entrepot(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('entrepot-join-...');
    expect(stderr).not.toContain(TOKEN.slice(0, 30));
  });
});

describe('a token given as the name of a file', () => {
  // As it is pasted from a terminal that broke it, or without its beginning.
  it.each([
    ['whole', TOKEN],
    ['without its beginning', TOKEN.slice('entrepot-'.length)],
    ['on two lines', `${TOKEN.slice(0, 70)}\n${TOKEN.slice(70)}`],
    ['too long for a name', TOKEN.repeat(3)],
    ['of the API', createApiToken()],
    ['with a folder before it', `./${TOKEN}`],
  ])('is not printed: %s', async (_, given) => {
    for (const form of ['table', 'json']) {
      const { code, stderr } = await join('--token-file', given, '-o', form);
      expect(code).toBe(2);
      expect(stderr).toContain('what it was given looks like a token');
      for (let at = 0; at + 16 <= given.length; at++) expect(stderr).not.toContain(given.slice(at, at + 16));
    }
    expect(asked).toEqual([]);
  });
});

describe('the process', () => {
  it('takes the token from its standard input', async () => {
    const args = ['agent', 'join', '--hub', '127.0.0.1:1', '--credentials', folder.file('c'), '--token', '-'];
    const refused = await start(args, {}, { input: 'not a token' }).outcome;
    expect(refused.stderr).toMatch(/^entrepot: this is not a join token\n/);
    const { code, stderr } = await start(args, {}, { input: `${TOKEN}\n` }).outcome;
    expect(code).toBe(6);
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toContain(TOKEN);
  });

  it('does not read on what is no token', async () => {
    const endless = Readable.from(
      (function* () {
        while (true) yield 'x'.repeat(10_000);
      })(),
    );
    const args = ['agent', 'join', '--hub', '127.0.0.1:1', '--token', '-'];
    const { code, stderr } = await start(args, {}, { input: endless }).outcome;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^entrepot: this is not a join token\n/);
  });

  it.runIf(process.platform === 'linux').each([['--token', TOKEN], [`--token=${TOKEN}`]])(
    'hides the token of its command line from others: %#',
    async (...token) => {
      // A configuration that does not come keeps the process where it is.
      const fifo = folder.file(`fifo-${token.length}`);
      await promisify(execFile)('mkfifo', [fifo]);
      const { child, outcome } = start(['agent', 'join', '--config', fifo, ...token]);
      try {
        const seen = () => readFile(`/proc/${child.pid}/cmdline`, 'utf8');
        await waitFor('the arguments to be hidden', async () => !(await seen()).includes(TOKEN), 20_000);
        expect(child.exitCode).toBeNull();
        expect(await seen()).toContain('entrepot (arguments hidden)');
      } finally {
        child.kill('SIGKILL');
        await outcome;
      }
    },
  );
});
