import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { loadOperatorCredentials } from '../../../src/trust/credentials.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { publicKeyOfRequest } from '../../../src/trust/request.ts';
import { createApiToken } from '../../../src/trust/secret-token.ts';
import { FakeHub, Folder, type Outcome } from './run.ts';
import { CREDENTIAL_ID, credential, DAY_MS, NOON_MS, operator } from './samples.ts';

/** A hub that issues what it is asked for, as far as a test lets it. What was asked is in `asked`. */
class Office {
  readonly asked: (readonly [call: string, request: Record<string, unknown>])[] = [];
  readonly tokens: string[] = [];
  /** Whose certificate it really issues. */
  issues: (name: string) => Identity = (name) => ({ kind: 'operator', name });
  beforeIssue: () => void = () => {};
  hub!: FakeHub;

  static async open(): Promise<Office> {
    const office = new Office();
    office.hub = await FakeHub.with({
      Operators: {
        Add: async (request) => {
          office.asked.push(['Add', { ...request }]);
          return operator({ ...request, credentials: [] });
        },
        IssueCertificate: async ({ name, certificateRequest }) => {
          office.asked.push(['IssueCertificate', { name }]);
          office.beforeIssue();
          const { authority } = office.hub.authority;
          const publicKey = await publicKeyOfRequest(certificateRequest);
          return {
            certificate: await authority.issue(office.issues(name), publicKey),
            authorities: authority.certificatePem,
          };
        },
        IssueToken: async (request) => {
          office.asked.push(['IssueToken', { ...request }]);
          office.beforeIssue();
          const token = createApiToken();
          office.tokens.push(token);
          const authorities = office.hub.authority.caPem;
          return { token, authorities, credential: credential({ kind: 'token' }) };
        },
        WhoAmI: async (_request, { caller }) => ({
          subject: caller.kind === 'operator' ? `operator/${caller.name}` : '',
          role: 'admin',
        }),
      },
    });
    return office;
  }
}

let office: Office;
let folder: Folder;
beforeEach(async () => {
  office = await Office.open();
  folder = await Folder.make();
});
afterEach(async () => {
  await office.hub[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

/** Nothing that was printed is a secret. */
function requireDiscreet({ stdout, stderr }: Outcome): void {
  expect(stdout + stderr).not.toMatch(/PRIVATE KEY|entrepot-api-[A-Za-z0-9_-]{8}/);
}

describe('operator add', () => {
  const addBob = ['operator', 'add', 'bob', '--role', 'member'];

  it('adds an operator alone, whose certificate comes from elsewhere', async () => {
    const { code, stdout } = await office.hub.run(...addBob, '--without-credentials');
    expect(code).toBe(0);
    expect(stdout).toBe('operator bob (member) is added, without credentials\n');
    expect(office.asked.map(([call]) => call)).toEqual(['Add']);
    const both = await office.hub.run(...addBob, '--without-credentials', '--api-token');
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('leave out') });
    expect(office.asked).toHaveLength(1);
  });

  it('makes a key here, and a folder that only its owner can read', async () => {
    const bob = folder.file('bob');
    const outcome = await office.hub.run(...addBob, '--operator-credentials', bob);
    expect(outcome).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        new RegExp(
          `^operator bob \\(member\\) is added\nthe certificate of operator bob is in ${bob}, good until 20\\S+ \\S+Z\n` +
            `use it: entrepot operator whoami --credentials ${bob}\n$`,
        ),
      ),
    });
    requireDiscreet(outcome);
    expect(office.asked).toEqual([
      ['Add', { name: 'bob', role: 'member' }],
      ['IssueCertificate', { name: 'bob' }],
    ]);
    expect(await readdir(bob)).toEqual(['ca.pem', 'identity.pem']);
    expect([await modeOf(bob), await modeOf(join(bob, 'identity.pem'))]).toEqual([0o700, 0o600]);
    expect(await office.hub.runAs(bob, 'operator', 'whoami', '-o', 'json')).toMatchObject({ code: 0 });
    expect(office.hub.presented.at(-1)?.certificate?.identity).toEqual({ kind: 'operator', name: 'bob' });
  });

  it('writes below the current folder when none is named', async () => {
    const { outcome } = office.hub.startIn(folder.path, ...addBob, '-o', 'json');
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      operator: { name: 'bob', role: 'member' },
      credentials: { name: 'bob', kind: 'certificate', folder: './entrepot-bob' },
    });
    expect(await readdir(folder.file('entrepot-bob'))).toEqual(['ca.pem', 'identity.pem']);
  });

  it('writes an API token instead, and never prints it', async () => {
    const ci = folder.file('ci');
    const args = ['operator', 'add', 'ci', '--role', 'reader', '--api-token', '--expires', '90d'];
    const outcome = await office.hub.run(...args, '--operator-credentials', ci, '-o', 'json');
    requireDiscreet(outcome);
    expect(JSON.parse(outcome.stdout).credentials).toEqual({
      name: 'ci',
      kind: 'token',
      folder: ci,
      expires_at: '2027-02-18T12:00:00.000Z',
    });
    expect(office.asked.at(-1)).toEqual(['IssueToken', { name: 'ci', lifetimeSeconds: 90 * 86_400 }]);
    expect(await readFile(join(ci, 'token'), 'utf8')).toBe(`${office.tokens[0]}\n`);
    expect([await readdir(ci), await modeOf(join(ci, 'token'))]).toEqual([['ca.pem', 'token'], 0o600]);
    expect(await loadOperatorCredentials(ci)).toMatchObject({ kind: 'token', token: office.tokens[0] });
  });

  it.each(['ca.pem', 'identity.pem', 'token', 'ca.key'])(
    'does not touch a folder that holds a %s, and adds nobody',
    async (name) => {
      await writeFile(folder.file(name), 'mine');
      expect(await office.hub.run(...addBob, '--operator-credentials', folder.path)).toEqual({
        code: 4,
        stdout: '',
        stderr: expect.stringMatching(
          `^entrepot: ${folder.file(name)} is there already\nhint: name another folder with --operator-credentials\n`,
        ),
      });
      expect(office.asked).toEqual([]);
      expect(await readFile(folder.file(name), 'utf8')).toBe('mine');
    },
  );

  it('adds nobody when the folder cannot be made', async () => {
    await writeFile(folder.file('file'), '');
    const bob = folder.file('file/bob');
    const { code, stderr } = await office.hub.run(...addBob, '--operator-credentials', bob);
    expect(code).toBe(2);
    expect(stderr).toContain('a part of the path is not a folder');
    expect(office.asked).toEqual([]);
  });

  it('leaves no folder behind when the hub refuses', async () => {
    office.beforeIssue = () => {
      throw new Refusal('CONFLICT', 'certificates come from your organisation', { hint: 'use --api-token' });
    };
    const bob = folder.file('bob');
    const { code, stderr } = await office.hub.run(...addBob, '--operator-credentials', bob);
    expect(code).toBe(4);
    expect(stderr).toContain(
      'entrepot: operator bob is added, and has no credentials yet: certificates come from your organisation\n' +
        `hint: use --api-token; \`entrepot operator issue bob --operator-credentials ${bob}\` makes them\n`,
    );
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('says the whole command that finishes it', async () => {
    office.beforeIssue = () => {
      throw new Refusal('UNAVAILABLE', 'hub is stopping');
    };
    const bob = folder.file("bob's");
    const args = [...addBob, '--api-token', '--expires', '2h', '--operator-credentials', bob];
    const { stderr } = await office.hub.run(...args);
    const word = `'${bob.replace("'", "'\\''")}'`;
    expect(stderr).toContain(
      `hint: \`entrepot operator issue bob --operator-credentials ${word} --api-token --expires 7200s\` makes them\n`,
    );
  });

  it('writes nothing when the certificate is not for whom it asked', async () => {
    office.issues = () => ({ kind: 'operator', name: 'mallory' });
    const bob = folder.file('bob');
    const { code, stderr } = await office.hub.run(...addBob, '--operator-credentials', bob);
    expect(code).toBe(1);
    expect(stderr).toContain('the hub answered with a certificate of operator mallory\n');
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('operator issue', () => {
  const identityIn = (path: string) => readFile(join(path, 'identity.pem'), 'utf8');

  it('for oneself renews the credentials in use, with a new key', async () => {
    const { credentials } = office.hub;
    const before = await identityIn(credentials);
    const outcome = await office.hub.run('operator', 'issue', 'alice');
    requireDiscreet(outcome);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toContain(`the certificate of operator alice is in ${credentials}, good until`);
    const after = await identityIn(credentials);
    const keyOf = (pem: string) => pem.slice(0, pem.indexOf('-----END PRIVATE KEY'));
    expect(keyOf(after)).not.toBe(keyOf(before));
    expect(await office.hub.run('operator', 'whoami')).toMatchObject({ code: 0 });
  });

  it('renews there when the same folder is named in another way', async () => {
    const before = await identityIn(office.hub.credentials);
    await symlink(office.hub.credentials, folder.file('link'));
    const args = ['operator', 'issue', 'alice', '--operator-credentials', folder.file('link')];
    expect(await office.hub.run(...args)).toMatchObject({ code: 0 });
    expect(await identityIn(office.hub.credentials)).not.toBe(before);
    expect((await lstat(folder.file('link'))).isSymbolicLink()).toBe(true);
  });

  it('for oneself renews a token', async () => {
    const robot = await office.hub.folderWithToken('robot', createApiToken());
    expect(await office.hub.runAs(robot, 'operator', 'issue', 'robot', '--api-token')).toMatchObject({
      code: 0,
    });
    expect(office.asked).toEqual([['IssueToken', { name: 'robot', lifetimeSeconds: 0 }]]);
    expect(await readFile(join(robot, 'token'), 'utf8')).toBe(`${office.tokens[0]}\n`);
  });

  it('of the other kind goes into a folder of its own', async () => {
    const { outcome } = office.hub.startIn(folder.path, 'operator', 'issue', 'alice', '--api-token');
    expect(await outcome).toMatchObject({ code: 0 });
    expect(await readdir(folder.file('entrepot-alice'))).toEqual(['ca.pem', 'token']);
    expect(await readdir(office.hub.credentials)).toEqual(['ca.pem', 'identity.pem']);
  });

  it('for somebody else never replaces anything', async () => {
    const { credentials } = office.hub;
    const before = await identityIn(credentials);
    const args = ['operator', 'issue', 'bob', '--operator-credentials', credentials];
    expect(await office.hub.run(...args)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`${credentials}/ca.pem is there already\n`),
    });
    expect(office.asked).toEqual([]);
    expect(await identityIn(credentials)).toBe(before);
  });

  it('for oneself never replaces what another folder holds', async () => {
    await mkdir(folder.file('other'));
    await writeFile(folder.file('other/identity.pem'), 'mine');
    const args = ['operator', 'issue', 'alice', '--operator-credentials', folder.file('other')];
    expect(await office.hub.run(...args)).toMatchObject({ code: 4 });
    expect(await identityIn(folder.file('other'))).toBe('mine');
  });

  it('keeps what is in use when the hub refuses, or answers nonsense', async () => {
    const before = await identityIn(office.hub.credentials);
    office.issues = () => ({ kind: 'store', storeId: 'dcn0' });
    expect(await office.hub.run('operator', 'issue', 'alice')).toMatchObject({ code: 1 });
    office.beforeIssue = () => {
      throw new Refusal('FORBIDDEN', 'no');
    };
    expect(await office.hub.run('operator', 'issue', 'alice')).toMatchObject({ code: 5 });
    expect(await identityIn(office.hub.credentials)).toBe(before);
    expect(await readdir(office.hub.credentials)).toEqual(['ca.pem', 'identity.pem']);
  });
});

describe('operator list', () => {
  it('shows a line for each credential', async () => {
    const farMs = Date.UTC(2999, 0, 1);
    const operators = [
      operator({
        role: 'admin',
        credentials: [
          credential({ expiresAtMs: farMs }),
          credential({ id: 'c2', kind: 'token', expiresAtMs: NOON_MS - 1 }),
          credential({ id: 'c3', expiresAtMs: farMs, revokedAtMs: NOON_MS }),
        ],
      }),
      operator({ name: 'bob', credentials: [] }),
      operator({ name: 'eve', revokedAtMs: NOON_MS, credentials: [credential({ expiresAtMs: farMs })] }),
      operator({ name: 'zoe', revokedAtMs: NOON_MS, credentials: [] }),
    ];
    await using hub = await FakeHub.with({ Operators: { List: async () => ({ operators }) } });
    expect((await hub.run('operator', 'list')).stdout).toBe(
      [
        'OPERATOR  ROLE    STATE    KIND         CREDENTIAL                            CREATED               EXPIRES\n',
        `alice     admin   active   certificate  ${CREDENTIAL_ID}  2026-11-20 12:00:00Z  2999-01-01 00:00:00Z\n`,
        'alice     admin   expired  token        c2                                    2026-11-20 12:00:00Z  2026-11-20 11:59:59Z\n',
        'alice     admin   revoked  certificate  c3                                    2026-11-20 12:00:00Z  2999-01-01 00:00:00Z\n',
        'bob       member  active   -            -                                     2026-11-20 12:00:00Z  -\n',
        `eve       member  revoked  certificate  ${CREDENTIAL_ID}  2026-11-20 12:00:00Z  2999-01-01 00:00:00Z\n`,
        'zoe       member  revoked  -            -                                     2026-11-20 12:00:00Z  -\n',
      ].join(''),
    );
    expect(JSON.parse((await hub.run('operator', 'list', '-o', 'json')).stdout)).toMatchObject([
      { name: 'alice', revoked_at: null, credentials: [{ id: CREDENTIAL_ID, revoked_at: null }, {}, {}] },
      { name: 'bob', credentials: [] },
      { name: 'eve', revoked_at: '2026-11-20T12:00:00.000Z' },
      { name: 'zoe' },
    ]);
  });
});

describe('operator revoke', () => {
  it('takes one credential, or the operator', async () => {
    const asked: unknown[] = [];
    await using hub = await FakeHub.with({
      Operators: {
        Revoke: async (request) => {
          asked.push({ ...request });
          return operator({ revokedAtMs: request.credentialId === '' ? NOON_MS : 0 });
        },
      },
    });
    const one = await hub.run('operator', 'revoke', 'alice', '--credential', CREDENTIAL_ID);
    expect(one.stdout).toBe(`credential ${CREDENTIAL_ID} of operator alice is revoked\n`);
    const all = await hub.run('operator', 'revoke', 'alice');
    expect(all.stdout).toBe('operator alice is revoked, with all its credentials\n');
    expect(asked).toEqual([
      { name: 'alice', credentialId: CREDENTIAL_ID },
      { name: 'alice', credentialId: '' },
    ]);
    const json = await hub.run('operator', 'revoke', 'alice', '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'alice', revoked_at: '2026-11-20T12:00:00.000Z' });
  });
});

describe('operator whoami', () => {
  it('says whom the hub sees, and when the certificate ends', async () => {
    const issuedMs = Date.UTC(2099, 0, 1);
    const options = { nowMs: Date.now(), lifetimeMs: issuedMs - Date.now(), folder: 'long' };
    const long = await office.hub.folderOf({ kind: 'operator', name: 'alice' }, options);
    const { stdout } = await office.hub.runAs(long, 'operator', 'whoami');
    expect(stdout).toMatch(
      new RegExp(
        '^subject      operator/alice\nrole         admin\n' +
          `credentials  ${long}\nkind         certificate\n` +
          'expires      209[89]-\\S+ \\S+Z\nrenew        20\\S+ \\S+Z\n$',
      ),
    );
    const json = JSON.parse((await office.hub.runAs(long, 'operator', 'whoami', '-o', 'json')).stdout);
    expect(json).toMatchObject({
      subject: 'operator/alice',
      role: 'admin',
      folder: long,
      kind: 'certificate',
    });
    expect(Date.parse(json.renew_at)).toBeLessThan(Date.parse(json.expires_at));
  });

  it('says once that the certificate should be renewed', async () => {
    const nowMs = Date.now() - 80 * DAY_MS;
    const old = await office.hub.folderOf({ kind: 'operator', name: 'bob' }, { nowMs });
    const { stderr } = await office.hub.runAs(old, 'operator', 'whoami');
    expect(stderr.match(/`entrepot operator issue bob` renews it/g)).toHaveLength(1);
  });

  it('knows no end of a token', async () => {
    const robot = await office.hub.folderWithToken('robot', createApiToken());
    const { stdout } = await office.hub.runAs(robot, 'operator', 'whoami', '-o', 'json');
    expect(JSON.parse(stdout)).toEqual({
      subject: 'operator/robot',
      role: 'admin',
      folder: robot,
      kind: 'token',
      expires_at: null,
      renew_at: null,
    });
  });
});
