import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HubCredentials } from '../../../src/hub/hub-credentials.ts';
import { Enrolment, Operators, Stores } from '../../../src/rpc/proto.ts';
import { Authority } from '../../../src/trust/authority.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { makeSecretFolder, writePublic, writeSecret } from '../../../src/trust/files.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem } from '../../../src/trust/keys.ts';
import { createRequest } from '../../../src/trust/request.ts';
import { waitFor } from '../../cloud/wait.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { TestOrganisation } from '../../trust/test-organisation.ts';
import { publicKeyOf, refusalOf, TestHub } from './test-hub.ts';

type Pem = Pick<Credentials, 'caPem' | 'privateKeyPem' | 'chainPem'>;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let folder: string;
let skewMs: number;
const now = () => Date.now() + skewMs;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-hub-'));
  skewMs = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(to: string, { caPem, privateKeyPem, chainPem }: Pem, caKey?: string): Promise<void> {
  await makeSecretFolder(to);
  await writePublic(join(to, 'ca.pem'), caPem);
  await writeSecret(join(to, 'identity.pem'), privateKeyPem + chainPem);
  if (caKey !== undefined) await writeSecret(join(to, 'ca.key'), caKey);
}

/** With the authority's key beside it. */
async function putOwn(identity: Identity = HUB): Promise<void> {
  const files = await Authority.create('own');
  const authority = await Authority.open(files);
  const privateKeyPem = createPrivateKeyPem();
  const chainPem = await authority.issue(identity, publicKeyOf(privateKeyPem));
  const caPem = files.certificatePem;
  await put(folder, { caPem, privateKeyPem, chainPem }, files.privateKeyPem);
}

describe('the certificate of a hub', () => {
  test('is issued anew at two thirds of its life, for the same key', async () => {
    await putOwn();
    const credentials = await HubCredentials.load(folder, now);
    const first = credentials.current;
    skewMs = 243 * DAY_MS;
    expect(await credentials.renew()).toBe(false);
    expect(credentials.current).toBe(first);
    skewMs = 244 * DAY_MS;
    expect(credentials.isOverdue()).toBe(true);
    expect(await credentials.renew()).toBe(true);
    const second = credentials.current;
    expect(second.privateKeyPem).toBe(first.privateKeyPem);
    expect(second.certificate.identity).toEqual(HUB);
    const lifeMs = second.certificate.notAfterMs - now();
    expect(Math.abs(lifeMs - 365 * DAY_MS)).toBeLessThan(MINUTE_MS);
    expect(credentials.isOverdue()).toBe(false);
    expect(await credentials.renew()).toBe(false);
  });

  test('that expired while the hub was off is issued anew at its start', async () => {
    await putOwn();
    skewMs = 400 * DAY_MS;
    const credentials = await HubCredentials.load(folder, now);
    expect(await credentials.renew()).toBe(true);
    expect(credentials.current.certificate.notAfterMs).toBeGreaterThan(now());
  });

  test('of an organisation is taken from the folder when it is replaced there', async () => {
    const organisation = await TestAuthority.create();
    await put(folder, await organisation.credentials(HUB));
    const credentials = await HubCredentials.load(folder, now);
    expect(credentials.issues).toBe(false);
    expect(await credentials.renew()).toBe(false);
    const next = await organisation.credentials(HUB);
    await put(folder, next);
    expect(await credentials.renew()).toBe(true);
    expect(credentials.current.certificate.fingerprint).toBe(next.certificate.fingerprint);
    const issue = credentials.issue({ kind: 'store', storeId: 'dcn0' }, Buffer.alloc(0), DAY_MS);
    expect(await refusalOf(issue)).toMatchObject({ code: 'CONFLICT' });
  });

  test('of an organisation is not replaced by one that nobody would believe', async () => {
    const organisation = await TestOrganisation.create();
    await put(folder, await organisation.credentials(HUB));
    const credentials = await HubCredentials.load(folder, now);
    const before = credentials.current;
    const stranger = await (await TestOrganisation.create()).below('below');
    await put(folder, await stranger.credentials(HUB, organisation.rootPem));
    expect(await refusalOf(credentials.renew())).toMatchObject({ code: 'INVALID' });
    expect(credentials.current).toBe(before);
    await put(folder, await (await organisation.below('below')).credentials(HUB));
    expect(await credentials.renew()).toBe(true);
  });

  test('must be there, be the hub’s, and fit the authority’s key', async () => {
    const missing = await refusalOf(HubCredentials.load(folder, now));
    expect(missing).toMatchObject({ code: 'NOT_FOUND' });
    expect(missing.hint).toContain('entrepot hub init');
    await putOwn({ kind: 'store', storeId: 'dcn0' });
    const other = await refusalOf(HubCredentials.load(folder, now));
    expect(other).toMatchObject({ code: 'INVALID' });
    expect(other.message).toContain('store dcn0');
    await putOwn();
    await writeSecret(join(folder, 'ca.key'), createPrivateKeyPem());
    const wrong = await refusalOf(HubCredentials.load(folder, now));
    expect(wrong).toMatchObject({ code: 'INVALID' });
    expect(wrong.message).toContain('ca.key');
  });
});

describe('a running hub', () => {
  afterEach(() => vi.useRealTimers());

  /** Fingerprint of the certificate that is shown to a new connection. */
  const shownBy = (address: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: Number(address.split(':')[1]),
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const { fingerprint256 } = socket.getPeerCertificate();
        socket.destroy();
        resolve(fingerprint256);
      });
    });

  test('shows its new certificate to new connections, and those that are there go on', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using hub = await TestHub.start({ now });
    const admin = await hub.admin();
    await hub.call(admin, Operators.WhoAmI, {});
    const first = await shownBy(hub.address);
    const endsAt = () => hub.metric('entrepot_certificate_expires_timestamp_seconds', { subject: 'hub' });
    const firstEnd = (await endsAt()) ?? 0;
    expect(Math.abs(firstEnd * 1000 - Date.now() - 365 * DAY_MS)).toBeLessThan(MINUTE_MS);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(await shownBy(hub.address)).toBe(first);
    skewMs = 250 * DAY_MS;
    await vi.advanceTimersByTimeAsync(DAY_MS);
    await waitFor('the new certificate', async () => (await endsAt()) !== firstEnd, 5000);
    expect(await shownBy(hub.address)).not.toBe(first);
    skewMs = 0;
    await hub.call(admin, Operators.WhoAmI, {});
  });

  test('has the ends of its stores’ certificates among its figures', async () => {
    await using hub = await TestHub.start();
    const dcn0 = await hub.join(await hub.addStore('dcn0'));
    await hub.addStore('dcn1');
    const endOf = (subject: string) =>
      hub.metric('entrepot_certificate_expires_timestamp_seconds', { subject });
    expect(await endOf('store/dcn0')).toBe(dcn0.certificate.notAfterMs / 1000);
    expect(await endOf('store/dcn1')).toBeUndefined();
  });
});

describe('with an authority of the organisation', () => {
  let organisation: TestAuthority;
  let hub: TestHub;
  beforeEach(async () => {
    organisation = await TestAuthority.create();
    hub = await TestHub.start({
      now,
      prepare: async ({ credentials: own }, operatorFolder) => {
        for (const [to, identity] of [
          [own, HUB],
          [operatorFolder, { kind: 'operator', name: 'admin' }],
        ] as const) {
          await put(to, await organisation.credentials(identity));
        }
      },
    });
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  const addStore = async () => hub.call(await hub.admin(), Stores.Add, { id: 'dcn0' });
  const dcn0 = (issuedMs: number) =>
    organisation.credentials({ kind: 'store', storeId: 'dcn0' }, { nowMs: issuedMs });

  test('the hub issues no certificates, and API tokens work', async () => {
    expect(await addStore()).toMatchObject({ joinToken: '', tokenExpiresAtMs: 0 });
    const admin = await hub.admin();
    const certificateRequest = await createRequest(createPrivateKeyPem());
    const nobody = await hub.nobody();
    const asked = [
      () => hub.certificateOf(admin, 'admin'),
      () => hub.call(admin, Enrolment.Renew, { certificateRequest }),
      () => hub.call(nobody, Enrolment.Join, { token: 'x', certificateRequest }),
    ];
    for (const ask of asked) {
      const refusal = await refusalOf(ask());
      expect(refusal).toMatchObject({ code: 'CONFLICT' });
      expect(refusal.message).toContain('issues no certificates');
    }
    const token = await hub.tokenOf('admin');
    expect((await hub.call(token, Operators.WhoAmI, {})).subject).toBe('operator/admin');
  });

  test('an agent attaches with what it was given, and one that is revoked needs a newer certificate', async () => {
    await addStore();
    const before = await dcn0(now() - 60 * MINUTE_MS);
    const agent = await hub.attach(before, 'dcn0');
    const { stores } = await hub.call(await hub.admin(), Stores.List, {});
    expect(stores[0]?.certificateExpiresAtMs).toBe(before.certificate.notAfterMs);
    // A certificate is valid from some minutes before it was asked for.
    skewMs = -10 * MINUTE_MS;
    await hub.call(await hub.admin(), Stores.Revoke, { id: 'dcn0' });
    skewMs = 0;
    expect(await agent.ended).toMatchObject({ code: 'UNAUTHENTICATED' });
    const after = await dcn0(now());
    expect(await refusalOf(hub.call(after, Operators.WhoAmI, {}))).toMatchObject({ code: 'UNAUTHENTICATED' });
    await addStore();
    const unseen = await dcn0(now() - 30 * MINUTE_MS);
    for (const shown of [before, unseen]) {
      const refusal = await refusalOf(hub.call(shown, Operators.WhoAmI, {}));
      expect(refusal.message).toContain('was revoked');
    }
    await hub.attach(after, 'dcn0');
  });
});
