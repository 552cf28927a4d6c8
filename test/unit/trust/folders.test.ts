import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadAuthority } from '../../../src/hub/hub-credentials.ts';
import { Authority } from '../../../src/trust/authority.ts';
import {
  loadCredentials,
  loadOperatorCredentials,
  parseCredentials,
} from '../../../src/trust/credentials.ts';
import { makeSecretFolder, writePublic, writeSecret } from '../../../src/trust/files.ts';
import { parseOperatorName } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest, publicKeyOfRequest } from '../../../src/trust/request.ts';
import {
  createApiToken,
  createJoinToken,
  isApiToken,
  parseJoinToken,
  tokenHash,
} from '../../../src/trust/secret-token.ts';
import { refusalIn } from '../rpc/harness.ts';

const authorityFiles = await Authority.create('Entrepot');
const CA = authorityFiles.certificatePem;
const KEY = createPrivateKeyPem();
const CERTIFICATE = await (await Authority.open(authorityFiles)).issue(
  { kind: 'store', storeId: 'dcn0' },
  await publicKeyOfRequest(await createRequest(KEY)),
);

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'entrepot-trust-')), 'credentials');
  await makeSecretFolder(folder);
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const loadHubKey = (from: string) => loadAuthority(from, CA);
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);

describe('a credentials folder', () => {
  it('is readable by its owner alone', async () => {
    await writeSecret(at('identity.pem'), KEY + CERTIFICATE);
    await writePublic(at('ca.pem'), CA);
    expect([await modeOf(folder), await modeOf(at('identity.pem')), await modeOf(at('ca.pem'))]).toEqual([
      '700',
      '600',
      '644',
    ]);
    const { certificate, caPem } = await loadCredentials(folder);
    expect(certificate.identity).toEqual({ kind: 'store', storeId: 'dcn0' });
    expect(caPem).toBe(CA);
  });

  it('takes key and certificate in any order, with text between them', async () => {
    await writePublic(at('ca.pem'), CA);
    await writeSecret(at('identity.pem'), `issued for dcn0\n${CERTIFICATE}\nkey:\n${KEY}`);
    expect((await loadCredentials(folder)).certificate.identity).toEqual({ kind: 'store', storeId: 'dcn0' });
  });

  it('writes over a file whole, and over what a crash left', async () => {
    await writeFile(at('identity.pem.new'), 'half of a', { mode: 0o666 });
    await writeSecret(at('identity.pem'), 'first');
    await chmod(at('identity.pem'), 0o644);
    await writeSecret(at('identity.pem'), 'second');
    expect(await readFile(at('identity.pem'), 'utf8')).toBe('second');
    expect(await modeOf(at('identity.pem'))).toBe('600');
    expect(await readdir(folder)).toEqual(['identity.pem']);
  });

  const refusedWith = async (mode: number, who: string) => {
    await writePublic(at('ca.pem'), CA);
    const loads = { token: loadOperatorCredentials, 'ca.key': loadHubKey, 'identity.pem': loadCredentials };
    for (const [name, load] of Object.entries(loads)) {
      await writeFile(at(name), KEY + CERTIFICATE);
      await chmod(at(name), mode);
      const refusal = await refusalIn(load(folder));
      expect(refusal.code).toBe('INVALID');
      expect(refusal.message).toContain(`${at(name)}: ${who} can read or change it`);
      expect(refusal.hint).toBe(`chmod 600 ${at(name)}`);
    }
    await chmod(at('identity.pem'), 0o400);
    await expect(loadCredentials(folder)).resolves.toBeDefined();
  };

  it('with a key that everybody can read is refused, saying what to do', () =>
    refusedWith(0o644, 'everybody on this machine'));

  it.each([
    ['0602', 'everybody on this machine'],
    ['0640', 'the group of its owner'],
    ['0620', 'the group of its owner'],
  ])('with a key of mode %s is refused likewise', (mode, who) => refusedWith(Number.parseInt(mode, 8), who));

  // Where a unit may read a file of root by an ACL, the mask of the ACL shows as rights of the group.
  describe('with a key that systemd may have loaded is taken or not:', () => {
    const elsewhere = tmpdir();
    afterEach(() => vi.unstubAllEnvs());

    it.each([
      ['0400', 'loaded', () => folder, true],
      ['0440', 'loaded', () => folder, true],
      ['0440', 'in a folder that was loaded', () => join(folder, '..'), true],
      ['0460', 'loaded', () => folder, false],
      ['0444', 'loaded', () => folder, false],
      ['0440', 'elsewhere', () => join(elsewhere, 'other'), false],
      ['0440', 'elsewhere, with a name that begins alike', () => `${folder}-2`, false],
      ['0440', 'not under systemd', () => undefined, false],
    ])('mode %s, %s', async (mode, _, directory, isTaken) => {
      await writePublic(at('ca.pem'), CA);
      await writeSecret(at('identity.pem'), KEY + CERTIFICATE);
      await chmod(at('identity.pem'), Number.parseInt(mode, 8));
      vi.stubEnv('CREDENTIALS_DIRECTORY', directory());
      const loaded = loadCredentials(folder).then(
        () => true,
        () => false,
      );
      expect(await loaded).toBe(isTaken);
    });
  });

  it.each([
    ['no ca.pem', undefined, KEY + CERTIFICATE, 'NOT_FOUND', 'ca.pem: there is no such file'],
    ['no identity.pem', CA, undefined, 'NOT_FOUND', 'identity.pem: there is no such file'],
    ['a ca.pem that is none', 'hello', KEY + CERTIFICATE, 'INVALID', 'ca.pem: holds no certificate'],
    ['a ca.pem without authority', CERTIFICATE, KEY, 'INVALID', 'none of its certificates is an authority'],
    ['no key', CA, CERTIFICATE, 'INVALID', 'holds no private key'],
    ['no certificate', CA, KEY, 'INVALID', 'holds no certificate'],
    ['the key of another', CA, createPrivateKeyPem() + CERTIFICATE, 'INVALID', 'do not belong together'],
    ['the authority itself', CA, authorityFiles.privateKeyPem + CA, 'INVALID', 'names nobody of this cloud'],
  ])('with %s is refused', async (_name, ca, identity, code, words) => {
    if (ca !== undefined) await writePublic(at('ca.pem'), ca);
    if (identity !== undefined) await writeSecret(at('identity.pem'), identity);
    const refusal = await refusalIn(loadCredentials(folder));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(words);
    expect(refusal.message).not.toContain('BEGIN');
  });

  it('of an operator may hold a token in place of a certificate', async () => {
    await writePublic(at('ca.pem'), CA);
    const token = createApiToken();
    await writeSecret(at('token'), `${token}\n`);
    expect(await loadOperatorCredentials(folder)).toEqual({ kind: 'token', caPem: CA, token });
    await writeSecret(at('token'), 'swordfish');
    const refusal = await refusalIn(loadOperatorCredentials(folder));
    expect(refusal.message).not.toContain('swordfish');
    await rm(at('token'));
    await writeSecret(at('identity.pem'), KEY + CERTIFICATE);
    expect((await loadOperatorCredentials(folder)).kind).toBe('certificate');
  });
});

describe('tokens', () => {
  const fingerprint = 'ab'.repeat(32);

  it('to join carry the store and the authority, and a secret that is never the same', () => {
    const text = createJoinToken('dcn0', fingerprint);
    expect(text).toMatch(/^entrepot-join-[A-Za-z0-9_-]+$/);
    const { storeId, authorityFingerprint, secret } = parseJoinToken(text);
    expect([storeId, authorityFingerprint, secret.length]).toEqual(['dcn0', fingerprint, 43]);
    expect(parseJoinToken(createJoinToken('dcn0', fingerprint)).secret).not.toBe(secret);
    expect(tokenHash(text)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    '',
    'entrepot-join-',
    'entrepot-join-AAAA',
    createApiToken(),
    `entrepot-join-${Buffer.from(`DCN0:${fingerprint}:${'a'.repeat(43)}`).toString('base64url')}`,
    `entrepot-join-${Buffer.from(`dcn0:${fingerprint}:${'a'.repeat(42)}`).toString('base64url')}`,
    `entrepot-join-${Buffer.from(`dcn0:${fingerprint}:${'a'.repeat(43)}:more`).toString('base64url')}`,
  ])('to join: %j is none, and is not repeated in the refusal', (text) => {
    expect(() => parseJoinToken(text)).toThrow('this is not a join token');
  });

  it('of any kind are short: what is longer is neither decoded nor hashed', () => {
    const longest = createJoinToken('a'.repeat(63), fingerprint);
    expect(longest.length).toBe(244);
    expect(parseJoinToken(longest).storeId).toBe('a'.repeat(63));
    // The decoder skips blanks, so but for its length this is one.
    const padded = `${longest}${' '.repeat(300)}`;
    expect(() => parseJoinToken(padded)).toThrow('this is not a join token');
    expect(() => tokenHash(padded)).toThrow('this is not a join token');
  });

  it('of the API are told from other text', () => {
    const token = createApiToken();
    expect(isApiToken(token)).toBe(true);
    for (const text of ['', token.slice(1), `${token}x`, token.replace('api', 'join')]) {
      expect(isApiToken(text)).toBe(false);
    }
    expect(createApiToken()).not.toBe(token);
  });
});

describe('names', () => {
  it.each(['alice', 'ci-runner', 'a.b_c', '7'])('%s is one', (name) => {
    expect(parseOperatorName(name)).toBe(name);
  });
  it.each(['', 'Alice', '-a', 'a/b', 'a b', 'a'.repeat(64), 'ä'])('%j is none', (name) => {
    expect(() => parseOperatorName(name)).toThrow('is not valid');
  });
});

it('a private key under a password is refused without its words', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  expect(() => parseCredentials(CA, pem + CERTIFICATE)).toThrow('holds no private key that can be read');
});
