import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { createJoinToken } from '../../../src/trust/secret-token.ts';
import { FakeHub, Folder } from './run.ts';
import { NOON_MS, store } from './samples.ts';

const TOKEN = createJoinToken('dcn0', 'ab'.repeat(32));
const added = store({ id: 'dcn0', role: 'edge', online: false, certificateExpiresAtMs: 0 });

let folder: Folder;
let asked: unknown[];
beforeEach(async () => {
  folder = await Folder.make();
  asked = [];
});
afterEach(() => folder[Symbol.asyncDispose]());

function adding(joinToken = TOKEN): Promise<FakeHub> {
  return FakeHub.with({
    Stores: {
      Add: async (request) => {
        asked.push({ ...request });
        return { store: added, joinToken, tokenExpiresAtMs: joinToken === '' ? 0 : NOON_MS };
      },
    },
  });
}

describe('store add', () => {
  it('prints the token alone on the last line, after the command it is for', async () => {
    await using hub = await adding();
    const { code, stdout, stderr } = await hub.start('store', 'add', 'dcn0').outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      'store dcn0 (edge) is added; until 2026-11-20 12:00:00Z its agent joins once, with this token on its standard input:\n' +
        `  entrepot agent join --hub ${hub.address} --config agent.yaml --token -\n` +
        `${TOKEN}\n`,
    );
    expect(asked).toEqual([{ id: 'dcn0', role: '', tokenLifetimeSeconds: 0 }]);
  });

  it('passes on the role and how long the token is good for', async () => {
    await using hub = await adding();
    const args = ['store', 'add', 'dcn0', '--role', 'central', '--token-lifetime', '24h', '-o', 'json'];
    expect(JSON.parse((await hub.run(...args)).stdout)).toMatchObject({
      store: { id: 'dcn0', certificate_expires_at: null },
      token: TOKEN,
      token_file: null,
      token_expires_at: '2026-11-20T12:00:00.000Z',
    });
    expect(asked).toEqual([{ id: 'dcn0', role: 'central', tokenLifetimeSeconds: 86_400 }]);
  });

  it('writes the token into a file for its owner alone, and then does not print it', async () => {
    await using hub = await adding();
    const file = folder.file("dcn0's token");
    const outcome = await hub.run('store', 'add', 'dcn0', '--token-file', file);
    expect(outcome.stdout).toContain(
      `\n  entrepot agent join --hub ${hub.address} --config agent.yaml --token-file '${file.replace("'", "'\\''")}'\n`,
    );
    expect(outcome.stdout + outcome.stderr).not.toContain(TOKEN);
    expect(await readFile(file, 'utf8')).toBe(`${TOKEN}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const json = await hub.run('store', 'add', 'dcn0', '--token-file', folder.file('t'), '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ token: null, token_file: folder.file('t') });
  });

  it('does not write over a file, and adds nothing', async () => {
    await using hub = await adding();
    const file = folder.file('agent.yaml');
    await writeFile(file, 'mine');
    expect(await hub.run('store', 'add', 'dcn0', '--token-file', file)).toEqual({
      code: 4,
      stdout: '',
      stderr: `entrepot: ${file} is there already\nhint: name another file with --token-file, or remove it\n`,
    });
    expect(asked).toEqual([]);
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('says that a token which could not be written is lost', async () => {
    await using hub = await adding();
    const { code, stderr } = await hub.run('store', 'add', 'dcn0', '--token-file', folder.file('no/t'));
    expect(code).toBe(3);
    expect(stderr).toContain(
      `store dcn0 is added, and its token is lost: cannot write ${folder.file('no/t')}`,
    );
    expect(stderr).toContain('hint: `entrepot store add dcn0` gives another token\n');
    expect(stderr).not.toContain(TOKEN);
  });

  it('gives no token where certificates come from elsewhere', async () => {
    await using hub = await adding('');
    const { stdout } = await hub.run('store', 'add', 'dcn0', '--token-file', folder.file('t'));
    expect(stdout).toBe(
      'store dcn0 (edge) is added; its agent needs a certificate of your own authority for spiffe://entrepot/store/dcn0\n',
    );
    expect(await readdir(folder.path)).toEqual([]);
    const json = await hub.run('store', 'add', 'dcn0', '--token-file', folder.file('t'), '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ token: null, token_file: null, token_expires_at: null });
  });

  it.each(['DCN0', '-', 'a/b'])('refuses the id %j before the hub is asked', async (id) => {
    await using hub = await adding();
    expect(await hub.run('store', 'add', '--', id)).toMatchObject({ code: 2, stdout: '' });
    expect(asked).toEqual([]);
  });
});

describe('store revoke', () => {
  it('says what it did, and how the store comes back', async () => {
    await using hub = await FakeHub.with({
      Stores: {
        Revoke: async ({ id }) => {
          asked.push(id);
          return store({ id, revoked: true });
        },
      },
    });
    expect((await hub.run('store', 'revoke', 'dcn0')).stdout).toBe(
      'store dcn0 is revoked: its agent is cut off, and nothing is copied to it\n' +
        'let it in again: entrepot store add dcn0\n',
    );
    const { stdout } = await hub.run('store', 'revoke', 'dcn0', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ id: 'dcn0', revoked: true });
    expect(asked).toEqual(['dcn0', 'dcn0']);
  });
});

describe('store remove', () => {
  it('forgets a store, and its copies when told to', async () => {
    await using hub = await FakeHub.with({
      Stores: {
        Remove: async ({ id, orphanCopies }) => {
          asked.push([id, orphanCopies]);
          if (id === 'dcn9') {
            throw new Refusal('IN_USE', 'store dcn9 holds 2 copies: a, b', { hint: '--orphan-copies' });
          }
          return { orphanedCopies: orphanCopies ? (id === 'dcn1' ? 1 : 2) : 0 };
        },
      },
    });
    expect((await hub.run('store', 'remove', 'dcn0')).stdout).toBe('store dcn0 is removed\n');
    expect((await hub.run('store', 'remove', 'dcn0', '--orphan-copies')).stdout).toBe(
      'store dcn0 is removed; 2 copies in its pool are known to nobody now\n',
    );
    expect((await hub.run('store', 'remove', 'dcn1', '--orphan-copies')).stdout).toContain('; 1 copy in');
    const json = await hub.run('store', 'remove', 'dcn0', '--orphan-copies', '-o', 'json');
    expect(JSON.parse(json.stdout)).toEqual({ id: 'dcn0', orphaned_copies: 2 });
    const refused = await hub.run('store', 'remove', 'dcn9');
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('entrepot: store dcn9 holds 2 copies: a, b\nhint: --orphan-copies\n');
    expect(asked).toEqual([
      ['dcn0', false],
      ['dcn0', true],
      ['dcn1', true],
      ['dcn0', true],
      ['dcn9', false],
    ]);
  });
});
