import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { saveCredentials } from '../../../src/agent/enrolment.ts';
import { joinAgent } from '../../../src/agent/join.ts';
import { OwnCredentials } from '../../../src/agent/own-credentials.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { fingerprintOf, readBundle } from '../../../src/trust/certificate.ts';
import { makeSecretFolder, writeSecret } from '../../../src/trust/files.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { createJoinToken, tokenHash } from '../../../src/trust/secret-token.ts';
import { serverContext } from '../../../src/trust/tls.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { refusalIn } from '../rpc/harness.ts';
import { ScriptedHub } from './scripted-hub.ts';

const authority = await TestAuthority.create();
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };

let hub: ScriptedHub;
let parent: string;
let folder: string;

beforeEach(async () => {
  hub = await ScriptedHub.start(authority);
  parent = await mkdtemp(join(tmpdir(), 'entrepot-join-'));
  folder = join(parent, 'state', 'credentials');
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(parent, { recursive: true, force: true });
});

function fingerprint({ caPem }: TestAuthority): string {
  const [ca] = readBundle(caPem);
  if (ca === undefined) throw new Error('no authority');
  return fingerprintOf(ca);
}

function newToken(storeId = 'dcn0'): string {
  const token = createJoinToken(storeId, fingerprint(authority));
  hub.tokens.set(token, '');
  return token;
}

async function files(): Promise<string[]> {
  return (await readdir(folder)).sort();
}

describe('an agent joins', () => {
  test('with a key made here, kept for itself alone', async () => {
    const joined = await joinAgent({ hub: hub.address, token: newToken(), folder });
    expect(joined).toMatchObject({ storeId: 'dcn0', folder });
    expect(await files()).toEqual(['ca.pem', 'identity.pem']);
    expect((await stat(join(folder, 'identity.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const { current } = await OwnCredentials.load(folder, 'dcn0');
    expect(current.certificate).toMatchObject({ identity: DCN0, notAfterMs: joined.expiresAtMs });
    expect(hub.keys).toHaveLength(1);
  });

  test('again, with the same key, when the answer was lost', async () => {
    const token = newToken();
    hub.beforeIssued = () => {
      throw new Refusal('UNAVAILABLE', 'the line broke');
    };
    const lost = await refusalIn(joinAgent({ hub: hub.address, token, folder }));
    expect(lost).toMatchObject({ code: 'UNAVAILABLE', message: 'the line broke' });
    // The token is in the name of the file as a hash only.
    expect(await files()).toEqual([`join-${tokenHash(token)}.key`]);
    hub.beforeIssued = () => undefined;
    await joinAgent({ hub: hub.address, token, folder });
    expect(new Set(hub.keys).size).toBe(1);
    expect(hub.keys).toHaveLength(2);
    expect(await files()).toEqual(['ca.pem', 'identity.pem']);
    // From here on the token is used up.
    const used = await refusalIn(joinAgent({ hub: hub.address, token, folder }));
    expect(used).toMatchObject({ code: 'UNAUTHENTICATED', message: 'the join token was used' });
  });

  test('again, when it was killed between two files', async () => {
    const token = newToken();
    await joinAgent({ hub: hub.address, token, folder });
    // As it was after ca.pem and before identity.pem.
    const identity = await readFile(join(folder, 'identity.pem'), 'utf8');
    const [key = ''] = /-----BEGIN PRIVATE KEY-----[\s\S]+-----END PRIVATE KEY-----\n/.exec(identity) ?? [];
    await writeSecret(join(folder, `join-${tokenHash(token)}.key`), key);
    await rm(join(folder, 'identity.pem'));
    await joinAgent({ hub: hub.address, token, folder });
    expect((await OwnCredentials.load(folder, 'dcn0')).current.privateKeyPem).toBe(key);
    // As it was after identity.pem, before the key was forgotten.
    await writeSecret(join(folder, `join-${tokenHash(token)}.key`), key);
    await joinAgent({ hub: hub.address, token, folder });
    expect(await files()).toEqual(['ca.pem', 'identity.pem']);
  });

  test('anew with another token, and never with a key that was in use', async () => {
    const first = newToken();
    await joinAgent({ hub: hub.address, token: first, folder });
    const before = await OwnCredentials.load(folder, 'dcn0');
    await writeSecret(join(folder, `join-${tokenHash(first)}.key`), before.current.privateKeyPem);
    await joinAgent({ hub: hub.address, token: newToken(), folder });
    const after = await OwnCredentials.load(folder, 'dcn0');
    expect(after.current.privateKeyPem).not.toBe(before.current.privateKeyPem);
    expect(await files()).toEqual(['ca.pem', 'identity.pem']);
  });
});

describe('an agent does not join', () => {
  test('a hub of another cloud, and does not tell it the token', async () => {
    const stranger = await ScriptedHub.start(await TestAuthority.create());
    const token = newToken();
    stranger.tokens.set(token, '');
    const refusal = await refusalIn(joinAgent({ hub: stranger.address, token, folder }));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('is not the one this token is from');
    expect(stranger.tokens.get(token)).toBe('');
    await stranger[Symbol.asyncDispose]();
  });

  test('a server that only shows the authority, without a certificate from it', async () => {
    const impostor = await TestAuthority.create();
    const own = await impostor.credentials(HUB);
    const seen: Buffer[] = [];
    // It sends the right authority after a certificate of its own.
    const options = serverContext({ ...own, caPem: authority.caPem });
    const server = createServer({ ...options, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('data', (data) => void seen.push(data));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const token = newToken();
    const refusal = await refusalIn(joinAgent({ hub: `127.0.0.1:${port}`, token, folder }));
    expect(refusal.code).toBe('UNAUTHENTICATED');
    expect(Buffer.concat(seen).includes(token)).toBe(false);
    server.close();
  });

  test("an agent's server with a certificate of the cloud: only the hub is the hub", async () => {
    const options = serverContext(await authority.credentials({ kind: 'store', storeId: 'dcn1' }));
    const server = createServer({ ...options, ALPNProtocols: ['h2'] }, (socket) =>
      socket.on('error', () => undefined),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const refusal = await refusalIn(joinAgent({ hub: `127.0.0.1:${port}`, token: newToken(), folder }));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('store dcn1');
    server.close();
  });

  test('with what is no token, to what is no hub, or where nobody listens', async () => {
    const token = newToken();
    expect(await refusalIn(joinAgent({ hub: hub.address, token: 'nonsense', folder }))).toMatchObject({
      code: 'INVALID',
      message: 'this is not a join token',
    });
    expect((await refusalIn(joinAgent({ hub: 'nowhere', token, folder }))).code).toBe('INVALID');
    const nobody = await refusalIn(joinAgent({ hub: '127.0.0.1:1', token, folder }));
    expect(nobody).toMatchObject({ code: 'UNAVAILABLE' });
    expect(nobody.message).toContain('cannot reach hub at 127.0.0.1:1: ECONNREFUSED');
  });

  test("over another store's identity, an operator's, or the hub's", async () => {
    const others: Identity[] = [{ kind: 'store', storeId: 'dcn1' }, { kind: 'operator', name: 'alice' }, HUB];
    await makeSecretFolder(folder);
    for (const other of others) {
      await saveCredentials(folder, await authority.credentials(other));
      const before = await readFile(join(folder, 'identity.pem'), 'utf8');
      const refusal = await refusalIn(joinAgent({ hub: hub.address, token: newToken(), folder }));
      expect(refusal).toMatchObject({ code: 'CONFLICT' });
      expect(refusal.message).toContain('the token is for store dcn0');
      expect(await readFile(join(folder, 'identity.pem'), 'utf8')).toBe(before);
    }
    expect(hub.keys).toEqual([]);
    await writeFile(join(folder, 'identity.pem'), 'rubbish', { mode: 0o600 });
    expect((await refusalIn(joinAgent({ hub: hub.address, token: newToken(), folder }))).code).toBe(
      'INVALID',
    );
  });

  test('with a certificate that is of no use to it', async () => {
    const early = { hub: hub.address, folder, nowMs: Date.now() - 86_400_000 };
    const unusable = await refusalIn(joinAgent({ ...early, token: newToken() }));
    expect(unusable).toMatchObject({ code: 'CORRUPT', hint: expect.stringContaining('clocks') });
    expect((await files()).every((name) => name.startsWith('join-'))).toBe(true);
  });
});
