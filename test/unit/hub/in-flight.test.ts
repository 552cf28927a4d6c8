import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { Authenticator } from '../../../src/hub/authenticator.ts';
import { Enrolment } from '../../../src/hub/enrolment.ts';
import { HubCredentials } from '../../../src/hub/hub-credentials.ts';
import { initHub } from '../../../src/hub/init.ts';
import { type Certificate, readCertificate } from '../../../src/trust/certificate.ts';
import type { Identity } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest } from '../../../src/trust/request.ts';
import { Scratch } from '../catalogue/scratch.ts';
import { publicKeyOf, refusalOf, TestHub } from './test-hub.ts';

/** What changes while a certificate is being signed counts when it is recorded. */

const DAY_MS = 86_400_000;

const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const BOB: Identity = { kind: 'operator', name: 'bob' };
let files: TestHub;
let scratch: Scratch;
let catalogue: Catalogue;
let credentials: HubCredentials;
let authenticator: Authenticator;
let enrolment: Enrolment;
let joined: string[];
let token: string;
beforeAll(async () => {
  files = await TestHub.configure();
  const { config, operatorFolder } = files;
  await initHub({ config, operatorName: 'admin', operatorFolder });
});
afterAll(() => files[Symbol.asyncDispose]());

beforeEach(async () => {
  scratch = new Scratch();
  scratch.nowMs = Date.now();
  ({ catalogue } = scratch);
  const now = () => scratch.nowMs;
  credentials = await HubCredentials.load(files.config.credentials, now);
  authenticator = new Authenticator(catalogue, now);
  joined = [];
  enrolment = new Enrolment({
    catalogue,
    credentials,
    lifetimes: { agentLifetimeMs: DAY_MS, operatorLifetimeMs: DAY_MS },
    credentialOf: authenticator.credentialOf,
    onJoined: (storeId) => joined.push(storeId),
    now,
  });
  catalogue.transact(() => {
    scratch.withStores();
    catalogue.operators.add('mallory', 'admin');
    catalogue.operators.add('bob', 'member');
  });
  token = newToken();
});
afterEach(() => scratch[Symbol.dispose]());

const newToken = () =>
  catalogue.transact(() => enrolment.createJoinToken('dcn0', scratch.nowMs + DAY_MS) ?? '');
const newRequest = () => createRequest(createPrivateKeyPem());
const issued = (subject = 'store/dcn0') => catalogue.credentials.ofSubject(subject).length;
const called = (certificate: Certificate) =>
  authenticator.authenticate({ certificate, bearer: undefined, peer: '192.0.2.1:5' });
/** Who calls with a certificate of its own that the hub has seen. */
const callerOf = async (identity: Identity) => {
  const { certificate } = await credentials.issue(identity, publicKeyOf(createPrivateKeyPem()), DAY_MS);
  return { caller: called(certificate), id: certificate.fingerprint.slice(0, 16) };
};

test('another that comes first has the token', async () => {
  const requests = [await newRequest(), await newRequest()];
  const outcomes = await Promise.allSettled(requests.map((request) => enrolment.join(token, request)));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(issued()).toBe(1);
  expect(joined).toEqual(['dcn0']);
});

test('a store that is revoked does not come in by it', async () => {
  const joining = refusalOf(enrolment.join(token, await newRequest()));
  catalogue.transact(() => {
    catalogue.stores.revoke('dcn0');
    catalogue.joinTokens.voidOf('dcn0');
  });
  expect((await joining).message).toContain('was withdrawn');
  expect(catalogue.stores.find('dcn0')?.revoked).toBe(true);
  expect(issued()).toBe(0);
  expect(joined).toEqual([]);
});

test('an operator gets none who may not have one any more', async () => {
  const { caller } = await callerOf({ kind: 'operator', name: 'mallory' });
  const bob = refusalOf(enrolment.certify(caller, BOB, await newRequest()));
  catalogue.transact(() => catalogue.operators.revoke('bob'));
  expect((await bob).code).toBe('CONFLICT');
  expect(issued('operator/bob')).toBe(0);
});

test('an admin who is revoked gets no more for others', async () => {
  const { caller } = await callerOf({ kind: 'operator', name: 'mallory' });
  const requests = await Promise.all(Array.from({ length: 20 }, newRequest));
  const asked = requests.map((request) => refusalOf(enrolment.certify(caller, BOB, request)));
  catalogue.transact(() => {
    catalogue.credentials.revokeAll('operator/mallory');
    catalogue.operators.revoke('mallory');
  });
  for (const refusal of await Promise.all(asked)) {
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', message: 'operator mallory was revoked' });
  }
  expect((await refusalOf((async () => enrolment.issueToken(caller, 'bob', DAY_MS))())).code).toBe(
    'UNAUTHENTICATED',
  );
  expect(issued('operator/bob')).toBe(0);
});

test('an agent whose place another has taken does not renew', async () => {
  const before = await callerOf(DCN0);
  const renewals: Promise<unknown>[] = [];
  let isOver = false;
  const looping = (async () => {
    const request = await newRequest();
    while (!isOver) {
      renewals.push(Promise.allSettled([enrolment.certify(before.caller, DCN0, request)]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const after = await enrolment.join(token, await newRequest());
  isOver = true;
  await looping;
  await Promise.all(renewals);
  const good = catalogue.credentials.goodOf('store/dcn0').map(({ hash }) => hash);
  expect(good).toEqual([readCertificate(after.certificatePem).fingerprint]);
});

test.each([
  ['was revoked', (id: string) => catalogue.transact(() => catalogue.credentials.revoke(id))],
  ['was revoked', () => catalogue.transact(() => catalogue.stores.revoke('dcn0'))],
  ['expired at', () => (scratch.nowMs += 2 * DAY_MS)],
])('a certificate that %s is not renewed', async (message, end) => {
  const { caller, id } = await callerOf(DCN0);
  const renewal = refusalOf(enrolment.certify(caller, DCN0, await newRequest()));
  end(id);
  expect((await renewal).code).toBe('UNAUTHENTICATED');
  expect((await renewal).message).toContain(message);
  expect(issued()).toBe(1);
});

test('one who asks too often waits, and holds up nobody else', async () => {
  const { caller } = await callerOf({ kind: 'operator', name: 'mallory' });
  const ask = () => {
    const { credential } = enrolment.issueToken(caller, 'bob', DAY_MS);
    catalogue.credentials.revoke(credential.id);
  };
  catalogue.transact(() => {
    for (let n = 0; n < 100; n++) ask();
  });
  const refusal = await refusalOf((async () => ask())());
  expect(refusal).toMatchObject({ code: 'RATE_LIMITED' });
  expect(refusal.hint).toContain('one every 300 s');
  expect(issued('operator/bob')).toBe(100);
  // Others are not held up by that; who joins is counted by its token.
  const dcn0 = await callerOf(DCN0);
  const request = await newRequest();
  await enrolment.certify(dcn0.caller, DCN0, request);
  for (let n = 0; n < 100; n++) await enrolment.join(token, request);
  expect(await refusalOf(enrolment.join(token, request))).toMatchObject({ code: 'RATE_LIMITED' });
  await enrolment.join(newToken(), request);
});
