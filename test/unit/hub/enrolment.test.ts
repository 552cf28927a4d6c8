import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callUnary } from '../../../src/rpc/calls.ts';
import { controlChannel } from '../../../src/rpc/channel.ts';
import { Enrolment as EnrolmentMethods, Operators, Stores } from '../../../src/rpc/proto.ts';
import { Authority } from '../../../src/trust/authority.ts';
import { type Credentials, parseCredentials } from '../../../src/trust/credentials.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest } from '../../../src/trust/request.ts';
import { createJoinToken, parseJoinToken } from '../../../src/trust/secret-token.ts';
import { issueBy } from '../../cloud/forge.ts';
import { FakeAgent, refusalOf, TestHub } from './test-hub.ts';

const DAY_MS = 86_400_000;

let skewMs: number;
let hub: TestHub;
beforeEach(async () => {
  skewMs = 0;
  hub = await TestHub.start({ now: () => Date.now() + skewMs });
});
afterEach(() => hub[Symbol.asyncDispose]());

const storeNamed = async (id: string) => {
  const { stores } = await hub.call(await hub.admin(), Stores.List, {});
  return stores.find((store) => store.id === id);
};
const kindsOf = async (storeId: string) => (await hub.events({ storeId })).map(({ kind }) => kind);

describe('a join token', () => {
  test('makes its holder the agent of the store, for thirty days', async () => {
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    const { identity, notAfterMs } = dcn0.certificate;
    expect(identity).toEqual({ kind: 'store', storeId: 'dcn0' });
    expect(Math.abs(notAfterMs - Date.now() - 30 * DAY_MS)).toBeLessThan(60_000);
    expect(await storeNamed('dcn0')).toMatchObject({
      role: 'edge',
      revoked: false,
      certificateExpiresAtMs: notAfterMs,
    });
    expect((await hub.call(dcn0, Operators.WhoAmI, {})).subject).toBe('store/dcn0');
    expect(await kindsOf('dcn0')).toEqual(
      expect.arrayContaining(['store.added', 'join-token.issued', 'join-token.used', 'credential.issued']),
    );
    const used = (await hub.events({ storeId: 'dcn0' })).find(({ kind }) => kind === 'join-token.used');
    expect(used).toMatchObject({ actor: 'store/dcn0', outcome: 'done' });
    expect(used?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('works once, and again for the same key: the answer may have been lost', async () => {
    const token = await hub.addStore('dcn0');
    const key = createPrivateKeyPem();
    const first = await hub.join(token, key);
    const second = await hub.join(token, key);
    expect(second.certificate.fingerprint).not.toBe(first.certificate.fingerprint);
    expect((await hub.call(second, Operators.WhoAmI, {})).subject).toBe('store/dcn0');
    const refusal = await refusalOf(hub.join(token));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('was used already');
    expect(refusal.hint).toContain('entrepot store add dcn0');
  });

  test('is used by one of two who come at the same time', async () => {
    const token = await hub.addStore('dcn0');
    const outcomes = await Promise.allSettled([hub.join(token), hub.join(token), hub.join(token)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('expires', async () => {
    const token = await hub.addStore('dcn0');
    skewMs = DAY_MS + 1000;
    const refusal = await refusalOf(hub.join(token));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.message).toContain('has expired');
  });

  test('that was forged, or is of another cloud, is refused and written down', async () => {
    const own = parseJoinToken(await hub.addStore('dcn0'));
    const forged = createJoinToken('dcn0', own.authorityFingerprint);
    const foreign = createJoinToken('dcn0', 'f'.repeat(64));
    expect((await refusalOf(hub.join(forged))).message).toContain('was not made by this hub');
    expect((await refusalOf(hub.join(foreign))).message).toContain('of another cloud');
    expect(await refusalOf(hub.join('entrepot-join-nonsense'))).toMatchObject({ code: 'INVALID' });
    const refused = (await hub.events({ storeId: 'dcn0' })).filter(({ kind }) => kind === 'request.refused');
    expect(refused.map(({ actor }) => actor)).toEqual(['nobody', 'nobody']);
    expect(refused.map(({ outcome }) => outcome)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(JSON.parse(refused[0]?.detailJson ?? '')).toMatchObject({ method: EnrolmentMethods.Join.path });
    expect(await storeNamed('dcn0')).toMatchObject({ certificateExpiresAtMs: 0 });
    // A store there is not is not written down as one.
    await refusalOf(hub.join(createJoinToken('dcn9', own.authorityFingerprint)));
    expect((await hub.events({ actor: 'nobody' })).at(-1)).toMatchObject({
      outcome: 'UNAUTHENTICATED',
      storeId: '',
    });
  });

  test('is void as soon as there is a newer one, or the store is removed', async () => {
    const older = await hub.addStore('dcn0');
    const newer = await hub.addStore('dcn0');
    expect((await refusalOf(hub.join(older))).message).toContain('was withdrawn');
    await hub.call(await hub.admin(), Stores.Remove, { id: 'dcn0' });
    expect((await refusalOf(hub.join(newer))).message).toContain('was withdrawn');
  });

  test('is not spent on a request that is no good', async () => {
    const token = await hub.addStore('dcn0');
    const certificateRequest = Buffer.from('nonsense');
    const refusal = await refusalOf(
      hub.call(await hub.nobody(), EnrolmentMethods.Join, { token, certificateRequest }),
    );
    expect(refusal).toMatchObject({ code: 'INVALID' });
    await hub.join(token);
  });

  test('of a store that joined before cuts the agent off that it had', async () => {
    const before = await hub.site('dcn0');
    const after = await hub.join(await hub.addStore('dcn0'));
    expect((await before.ended)?.message).toContain('another agent joined as store dcn0');
    expect(await refusalOf(hub.call(before.credentials, Operators.WhoAmI, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await hub.attach(after, 'dcn0');
  });

  test('has the life that was asked for, within bounds', async () => {
    const admin = await hub.admin();
    const add = (tokenLifetimeSeconds: number) =>
      hub.call(admin, Stores.Add, { id: 'dcn0', tokenLifetimeSeconds });
    const { tokenExpiresAtMs } = await add(120);
    expect(Math.abs(tokenExpiresAtMs - Date.now() - 120_000)).toBeLessThan(10_000);
    expect(await refusalOf(add(31 * 86_400))).toMatchObject({ code: 'INVALID' });
  });
});

describe('a certificate', () => {
  test('is renewed by its holder with another key, and the one before stays good', async () => {
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    const key = createPrivateKeyPem();
    const certificateRequest = await createRequest(key);
    skewMs = 60_000;
    const issued = await hub.call(dcn0, EnrolmentMethods.Renew, { certificateRequest });
    const renewed = parseCredentials(issued.authorities, key + issued.certificate);
    expect(issued.subject).toBe('store/dcn0');
    expect(renewed.certificate.notAfterMs).toBe(issued.expiresAtMs);
    expect(await storeNamed('dcn0')).toMatchObject({ certificateExpiresAtMs: issued.expiresAtMs });
    for (const shown of [dcn0, renewed]) await hub.call(shown, Operators.WhoAmI, {});
  });

  test('is not renewed for a token, nor for nobody', async () => {
    const certificateRequest = await createRequest(createPrivateKeyPem());
    const token = await hub.tokenOf('admin');
    const refusal = await refusalOf(hub.call(token, EnrolmentMethods.Renew, { certificateRequest }));
    expect(refusal).toMatchObject({ code: 'FORBIDDEN' });
    expect(refusal.message).toContain('showed an API token');
    const nobody = hub.call(await hub.nobody(), EnrolmentMethods.Renew, { certificateRequest });
    expect(await refusalOf(nobody)).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('is one of at most four that are good; what its agent uses stays among them', async () => {
    const shown = [await hub.join(await hub.addStore('dcn0'))];
    for (const key of Array.from({ length: 6 }, createPrivateKeyPem)) {
      const request = { certificateRequest: await createRequest(key) };
      const issued = await hub.call(shown[0] as Credentials, EnrolmentMethods.Renew, request);
      shown.push(parseCredentials(issued.authorities, key + issued.certificate));
    }
    const asked = await Promise.allSettled(shown.map((one) => hub.call(one, Operators.WhoAmI, {})));
    expect(asked.map(({ status }) => (status === 'fulfilled' ? 1 : 0)).join('')).toBe('1000111');
  });

  test('that has expired is refused, also on a connection from when it had not', async () => {
    const dcn0 = await hub.site('dcn0');
    await hub.call(dcn0.credentials, Operators.WhoAmI, {});
    skewMs = 31 * DAY_MS;
    const refusal = await refusalOf(hub.call(dcn0.credentials, Operators.WhoAmI, {}));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    // The stream that stands ends with the next report.
    await dcn0.say({ heartbeat: {} });
    expect((await dcn0.ended)?.message).toContain('has expired');
  });

  test('that the hub does not remember is good, and remembered, unless its holder was revoked since', async () => {
    // As after a backup from before it was issued was restored, or when the organisation issues them.
    const authority = await Authority.open({
      certificatePem: (await hub.nobody()).caPem,
      privateKeyPem: await readFile(join(hub.config.credentials, 'ca.key'), 'utf8'),
    });
    const [seen, unseen] = await Promise.all(
      [1, 2].map(() => issueBy(authority, { kind: 'operator', name: 'bob' })),
    );
    if (!seen || !unseen) throw new Error('two were issued');
    expect((await refusalOf(hub.call(seen, Operators.WhoAmI, {}))).message).toContain(
      'not known to this hub',
    );
    const admin = await hub.admin();
    const bob = { name: 'bob', role: 'reader' };
    await hub.call(admin, Operators.Add, bob);
    await hub.call(seen, Operators.WhoAmI, {});
    const events = (await hub.events()).filter(({ kind }) => kind === 'credential.seen');
    expect(events.map(({ detailJson }) => JSON.parse(detailJson))).toMatchObject([
      { subject: 'operator/bob', credential: seen.certificate.fingerprint.slice(0, 16) },
    ]);
    await hub.call(admin, Operators.Revoke, { name: 'bob' });
    await hub.call(admin, Operators.Add, bob);
    for (const shown of [seen, unseen]) {
      expect((await refusalOf(hub.call(shown, Operators.WhoAmI, {}))).message).toContain('was revoked');
    }
    await hub.call(await hub.certificateOf(admin, 'bob'), Operators.WhoAmI, {});
  });
});

describe('a store that is revoked', () => {
  test('loses its stream at once, and all it asks from then on; the others are told', async () => {
    const central = await hub.site('central', 'central');
    const dcn0 = await hub.site('dcn0');
    const revoked = await hub.call(await hub.admin(), Stores.Revoke, { id: 'dcn0' });
    expect(revoked).toMatchObject({ id: 'dcn0', revoked: true, certificateExpiresAtMs: 0 });
    expect(await dcn0.ended).toMatchObject({ code: 'UNAUTHENTICATED', message: 'store dcn0 was revoked' });
    expect(await central.next((message) => message.storeRevoked)).toEqual({ storeId: 'dcn0' });
    const refusal = await refusalOf(hub.call(dcn0.credentials, Operators.WhoAmI, {}));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusal.hint).toContain('entrepot store add dcn0');
    // On a connection of its own too.
    const again = new FakeAgent(hub, { ...dcn0.credentials }, 'dcn0');
    expect(await again.ended).toMatchObject({ code: 'UNAUTHENTICATED' });
    const certificateRequest = await createRequest(createPrivateKeyPem());
    const renewal = hub.call(dcn0.credentials, EnrolmentMethods.Renew, { certificateRequest });
    expect(await refusalOf(renewal)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await storeNamed('dcn0')).toMatchObject({ online: false, revoked: true });
    expect(await kindsOf('dcn0')).toContain('store.revoked');
    // Who attaches later is told as well.
    const dcn1 = new FakeAgent(hub, await hub.join(await hub.addStore('dcn1')), 'dcn1');
    await dcn1.hello();
    expect((await dcn1.next(({ welcome }) => welcome)).revokedStoreIds).toEqual(['dcn0']);
  });

  test('cannot come back with a token from before, and comes back with a new one', async () => {
    const central = await hub.site('central', 'central');
    const token = await hub.addStore('dcn0');
    const key = createPrivateKeyPem();
    const before = await hub.join(token, key);
    await hub.call(await hub.admin(), Stores.Revoke, { id: 'dcn0' });
    expect((await refusalOf(hub.join(token, key))).message).toContain('was withdrawn');
    const newToken = await hub.addStore('dcn0');
    expect(await storeNamed('dcn0')).toMatchObject({ revoked: true });
    central.messages.length = 0;
    const after = await hub.join(newToken);
    expect(await storeNamed('dcn0')).toMatchObject({ revoked: false });
    expect((await central.next(({ welcome }) => welcome)).revokedStoreIds).toEqual([]);
    await hub.attach(after, 'dcn0');
    expect(await refusalOf(hub.call(before, Operators.WhoAmI, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  test('stays so when the hub is started anew', async () => {
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    await hub.call(await hub.admin(), Stores.Revoke, { id: 'dcn0' });
    await hub.down();
    await hub.up();
    expect(await refusalOf(hub.call(dcn0, Operators.WhoAmI, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('that never was is NOT_FOUND', async () => {
    const revoke = hub.call(await hub.admin(), Stores.Revoke, { id: 'dcn9' });
    expect(await refusalOf(revoke)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('the certificate of a stranger is refused by name of what is wrong', async () => {
  const other = await TestHub.start();
  await using _ = other;
  const stranger = await other.join(await other.addStore('dcn0'));
  const { caPem } = await hub.nobody();
  await using channel = controlChannel({
    address: hub.address,
    peer: 'hub',
    credentials: { ...stranger, caPem },
    expect: HUB,
  });
  const refusal = await refusalOf(callUnary(channel, Operators.WhoAmI, {}));
  expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(refusal.message).toContain('was not signed by the authority of this cloud');
});

test('nothing that was secret stands in the log', async () => {
  const token = await hub.addStore('dcn0');
  const key = createPrivateKeyPem();
  await hub.join(token, key);
  await refusalOf(hub.join(token));
  const { bearer } = await hub.tokenOf('admin');
  const log = hub.lines.join('\n');
  expect(log).toContain('joined');
  const secrets = [token, parseJoinToken(token).secret, bearer, bearer.slice(13), key.split('\n')[1] ?? ''];
  for (const secret of secrets) expect(log).not.toContain(secret);
  const events = JSON.stringify(await hub.events());
  for (const secret of secrets) expect(events).not.toContain(secret);
});
