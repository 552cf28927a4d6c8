import { once } from 'node:events';
import { connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callServerStream } from '../../../src/rpc/calls.ts';
import { Enrolment, Events, Images, Jobs, Operators, Stores } from '../../../src/rpc/proto.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest } from '../../../src/trust/request.ts';
import { createApiToken } from '../../../src/trust/secret-token.ts';
import { messageHead, rawCall } from '../rpc/raw-peer.ts';
import { MIB, refusalOf, TestHub } from './test-hub.ts';

const DAY_MS = 86_400_000;

let skewMs: number;
let hub: TestHub;
beforeEach(async () => {
  skewMs = 0;
  hub = await TestHub.start({ now: () => Date.now() + skewMs });
});
afterEach(() => hub[Symbol.asyncDispose]());

const listed = async () => (await hub.call(await hub.admin(), Operators.List, {})).operators;

describe('an operator', () => {
  test('is added with a role, and listed with its credentials', async () => {
    const alice = await hub.addOperator('alice', 'member');
    await hub.tokenOf('alice', 3600);
    expect(await hub.call(alice, Operators.WhoAmI, {})).toEqual({
      subject: 'operator/alice',
      role: 'member',
    });
    expect(await listed()).toMatchObject([
      { name: 'admin', role: 'admin', revokedAtMs: 0, credentials: [{ kind: 'certificate' }] },
      {
        name: 'alice',
        role: 'member',
        credentials: [
          {
            kind: 'certificate',
            expiresAtMs: alice.certificate.notAfterMs,
            id: alice.certificate.fingerprint.slice(0, 16),
          },
          { kind: 'token', revokedAtMs: 0 },
        ],
      },
    ]);
  });

  test.each([
    [{ name: 'Alice', role: 'member' }, 'INVALID'],
    [{ name: 'alice', role: 'root' }, 'INVALID'],
    [{ name: 'admin', role: 'reader' }, 'ALREADY_EXISTS'],
  ])('as %j is refused with %s', async (request, code) => {
    expect(await refusalOf(hub.call(await hub.admin(), Operators.Add, request))).toMatchObject({ code });
  });

  test('gets credentials for itself, and for nobody else', async () => {
    const alice = await hub.addOperator('alice', 'member');
    await hub.addOperator('bob', 'member');
    const own = await hub.certificateOf(alice, 'alice');
    expect((await hub.call(own, Operators.WhoAmI, {})).subject).toBe('operator/alice');
    await hub.call(alice, Operators.IssueToken, { name: 'alice' });
    const certificateRequest = await createRequest(createPrivateKeyPem());
    for (const ask of [
      () => hub.call(alice, Operators.IssueCertificate, { name: 'bob', certificateRequest }),
      () => hub.call(alice, Operators.IssueToken, { name: 'bob' }),
      () => hub.call(alice, Operators.IssueToken, { name: 'admin' }),
    ]) {
      const refusal = await refusalOf(ask());
      expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
      expect(refusal.message).toContain('the role admin');
    }
  });

  test('that is no admin sees itself alone', async () => {
    const rita = await hub.addOperator('rita', 'reader');
    const { operators } = await hub.call(rita, Operators.List, {});
    expect(operators).toMatchObject([{ name: 'rita', credentials: [{ kind: 'certificate' }] }]);
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    expect(await refusalOf(hub.call(dcn0, Operators.List, {}))).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('has at most 32 credentials that are good', async () => {
    const alice = await hub.addOperator('alice', 'member');
    const issue = () => hub.call(alice, Operators.IssueToken, { name: 'alice', lifetimeSeconds: 60 });
    const tokens = await Promise.all(Array.from({ length: 31 }, issue));
    const certificateRequest = await createRequest(createPrivateKeyPem());
    for (const ask of [
      issue,
      () => hub.certificateOf(alice, 'alice'),
      () => hub.call(alice, Enrolment.Renew, { certificateRequest }),
    ]) {
      const refusal = await refusalOf(ask());
      expect(refusal).toMatchObject({ code: 'CONFLICT' });
      expect(refusal.hint).toContain('entrepot operator list');
      expect(refusal.hint).toContain('entrepot operator revoke alice --credential ID');
    }
    const credentialId = tokens[0]?.credential?.id ?? '';
    await hub.call(alice, Operators.Revoke, { name: 'alice', credentialId });
    await issue();
    // Those that ended do not count.
    skewMs = 61_000;
    await issue();
  });

  test('that is not there gets none', async () => {
    const token = hub.call(await hub.admin(), Operators.IssueToken, { name: 'nemo' });
    expect(await refusalOf(token)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusalOf(hub.certificateOf(await hub.admin(), 'nemo'))).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('that is a store gets none', async () => {
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    const refusal = await refusalOf(hub.certificateOf(dcn0, 'dcn0'));
    expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('an API token', () => {
  test('speaks for its operator until it expires', async () => {
    await hub.addOperator('ci', 'reader');
    const token = await hub.tokenOf('ci', 60);
    expect(await hub.call(token, Operators.WhoAmI, {})).toEqual({ subject: 'operator/ci', role: 'reader' });
    const created = hub.call(token, Images.Create, { name: 'x' });
    expect(await refusalOf(created)).toMatchObject({ code: 'FORBIDDEN' });
    skewMs = 61_000;
    const refusal = await refusalOf(hub.call(token, Operators.WhoAmI, {}));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('expired');
  });

  test.each(['reader', 'admin'] as const)('of one who is %s gets no further credentials', async (role) => {
    await hub.addOperator('ci', role);
    await hub.addOperator('bob', 'reader');
    const token = await hub.tokenOf('ci', 60);
    const certificateRequest = await createRequest(createPrivateKeyPem());
    for (const name of role === 'admin' ? ['ci', 'bob'] : ['ci']) {
      for (const ask of [
        () => hub.call(token, Operators.IssueToken, { name, lifetimeSeconds: 60 }),
        () => hub.call(token, Operators.IssueCertificate, { name, certificateRequest }),
      ]) {
        const refusal = await refusalOf(ask());
        expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
        expect(refusal.message).toContain('operator/ci showed an API token');
        expect(refusal.hint).toContain('use the certificate of an operator');
      }
    }
    expect((await listed()).map(({ credentials }) => credentials.length)).toEqual([1, 1, 2]);
  });

  test('that the hub did not make is refused', async () => {
    for (const bearer of [createApiToken(), 'nonsense']) {
      const refusal = await refusalOf(hub.call({ ...(await hub.nobody()), bearer }, Operators.WhoAmI, {}));
      expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(refusal.message).not.toContain(bearer);
    }
  });

  test('beside a certificate is one too many', async () => {
    const { bearer } = await hub.tokenOf('admin');
    const both = { ...(await hub.admin()), bearer };
    expect(await refusalOf(hub.call(both, Operators.WhoAmI, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('is good for as long as was asked, at most a year', async () => {
    const admin = await hub.admin();
    const issued = async (lifetimeSeconds: number) =>
      (await hub.call(admin, Operators.IssueToken, { name: 'admin', lifetimeSeconds })).credential;
    expect(Math.abs(((await issued(0))?.expiresAtMs ?? 0) - Date.now() - 90 * DAY_MS)).toBeLessThan(10_000);
    expect(Math.abs(((await issued(60))?.expiresAtMs ?? 0) - Date.now() - 60_000)).toBeLessThan(10_000);
    expect(await refusalOf(issued(367 * 86_400))).toMatchObject({ code: 'INVALID' });
  });
});

describe('revoking', () => {
  test('one credential leaves the others', async () => {
    const first = await hub.addOperator('alice', 'member');
    const second = await hub.certificateOf(first, 'alice');
    const credentialId = first.certificate.fingerprint.slice(0, 16);
    const alice = await hub.call(await hub.admin(), Operators.Revoke, { name: 'alice', credentialId });
    expect(alice.revokedAtMs).toBe(0);
    expect(alice.credentials.map((one) => one.revokedAtMs > 0)).toEqual([true, false]);
    const refusal = await refusalOf(hub.call(first, Operators.WhoAmI, {}));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('was revoked');
    await hub.call(second, Operators.WhoAmI, {});
  });

  test('a credential of its own is for every operator', async () => {
    const alice = await hub.addOperator('alice', 'member');
    const bob = await hub.addOperator('bob', 'reader');
    const lost = await hub.certificateOf(alice, 'alice');
    const idOf = ({ certificate }: Credentials) => certificate.fingerprint.slice(0, 16);
    const revoke = (by: Credentials, name: string, credentialId: string) =>
      hub.call(by, Operators.Revoke, { name, credentialId });
    expect(await refusalOf(revoke(bob, 'alice', idOf(lost)))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await refusalOf(revoke(bob, 'bob', idOf(lost)))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusalOf(revoke(alice, 'alice', ''))).toMatchObject({ code: 'FORBIDDEN' });
    await hub.call(lost, Operators.WhoAmI, {});
    await revoke(alice, 'alice', idOf(lost));
    expect(await refusalOf(hub.call(lost, Operators.WhoAmI, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
    await hub.call(alice, Operators.WhoAmI, {});
  });

  test('an admin ends what it has asked for, and not yet in full', async () => {
    const mallory = await hub.addOperator('mallory', 'admin');
    const { caPem: ca, chainPem: cert, privateKeyPem: key } = mallory;
    const session = connect(`https://${hub.address}`, {
      ca,
      cert,
      key,
      checkServerIdentity: () => undefined,
    });
    await once(session, 'remoteSettings');
    const { path, requestSerialize } = Operators.Add;
    const call = rawCall(session, path);
    const body = requestSerialize({ name: 'mallory2', role: 'admin' });
    call.write(Buffer.concat([messageHead(body.length), body]));
    await delay(100);
    const answered = once(call, 'response');
    await hub.call(await hub.admin(), Operators.Revoke, { name: 'mallory' });
    const [headers] = await answered;
    expect(headers['grpc-message']).toContain('operator%20mallory%20were%20revoked');
    call.end();
    await delay(200);
    session.destroy();
    expect((await listed()).map(({ name }) => name)).toEqual(['admin', 'mallory']);
  });

  test('an operator ends all it has, and what it has under way', async () => {
    const alice = await hub.addOperator('alice', 'member');
    const token = await hub.tokenOf('alice');
    await hub.addStore('central', 'central');
    const { id } = await hub.call(alice, Images.Create, { name: 'x' });
    const job = await hub.call(alice, Images.BeginUpload, { imageId: id, sizeBytes: MIB });
    const watch = callServerStream(hub.channel(alice), Jobs.Watch, { jobId: job.id });
    expect((await watch.next()).value).toMatchObject({ id: job.id });
    const ended = refusalOf(watch.next());
    const revoked = await hub.call(await hub.admin(), Operators.Revoke, { name: 'alice' });
    expect(revoked.revokedAtMs).toBeGreaterThan(0);
    expect(await ended).toMatchObject({ code: 'UNAUTHENTICATED' });
    for (const shown of [alice, token]) {
      expect(await refusalOf(hub.call(shown, Operators.WhoAmI, {}))).toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    }
    const issue = hub.call(await hub.admin(), Operators.IssueToken, { name: 'alice' });
    expect(await refusalOf(issue)).toMatchObject({ code: 'CONFLICT' });
    // Let in again, what was revoked stays so.
    await hub.call(await hub.admin(), Operators.Add, { name: 'alice', role: 'reader' });
    expect(await refusalOf(hub.call(alice, Operators.WhoAmI, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await hub.call(await hub.tokenOf('alice'), Operators.WhoAmI, {})).role).toBe('reader');
  });

  test('the last admin is refused; one of two may revoke itself, and is told so', async () => {
    const admin = await hub.admin();
    const last = await refusalOf(hub.call(admin, Operators.Revoke, { name: 'admin' }));
    expect(last).toMatchObject({ code: 'CONFLICT' });
    expect(last.hint).toContain('operator add');
    const second = await hub.addOperator('second', 'admin');
    const revoked = await hub.call(second, Operators.Revoke, { name: 'second' });
    expect(revoked.revokedAtMs).toBeGreaterThan(0);
    expect(await refusalOf(hub.call(second, Operators.WhoAmI, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await hub.call(admin, Operators.WhoAmI, {});
  });

  test("somebody else's credential by the wrong name is NOT_FOUND", async () => {
    const alice = await hub.addOperator('alice', 'member');
    await hub.addOperator('bob', 'member');
    const credentialId = alice.certificate.fingerprint.slice(0, 16);
    const revoke = hub.call(await hub.admin(), Operators.Revoke, { name: 'bob', credentialId });
    expect(await refusalOf(revoke)).toMatchObject({ code: 'NOT_FOUND' });
    await hub.call(alice, Operators.WhoAmI, {});
  });
});

test('a role that lacks the right is told which it needs', async () => {
  const alice = await hub.addOperator('alice', 'member');
  const rita = await hub.addOperator('rita', 'reader');
  const cases = [
    [() => hub.call(alice, Stores.Add, { id: 'dcn0' }), 'alice (member)', 'the role admin'],
    [() => hub.call(alice, Events.List, {}), 'alice (member)', 'the role reader or admin'],
    [() => hub.call(rita, Images.Create, { name: 'x' }), 'rita (reader)', 'the role member or admin'],
    [() => hub.call(rita, Operators.Add, { name: 'x', role: 'reader' }), 'rita (reader)', 'the role admin'],
    [() => hub.call(rita, Operators.Revoke, { name: 'rita' }), 'rita (reader)', 'the role admin'],
  ] as const;
  for (const [ask, who, right] of cases) {
    const refusal = await refusalOf(ask());
    expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
    expect(refusal.message).toContain(who);
    expect(refusal.message).toContain(right);
  }
});
