import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { Authority, LIFETIME_MS } from '../../../src/trust/authority.ts';
import { pathToAuthority, readBundle, readCertificate, renewAtMs } from '../../../src/trust/certificate.ts';
import { type Credentials, parseCredentials } from '../../../src/trust/credentials.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { createPrivateKeyPem, readPrivateKey } from '../../../src/trust/keys.ts';
import { createRequest, publicKeyOfRequest } from '../../../src/trust/request.ts';
import { TestOrganisation } from '../../trust/test-organisation.ts';
import { refusalIn } from '../rpc/harness.ts';

const DAY_MS = 86_400_000;
const DCN0: Identity = { kind: 'store', storeId: 'dcn0' };
const ALICE: Identity = { kind: 'operator', name: 'alice' };

const files = await Authority.create('Entrepot');
const authority = await Authority.open(files);

async function issued(
  identity: Identity,
  options: { lifetimeMs?: number; nowMs?: number } = {},
  by = authority,
): Promise<Credentials> {
  const key = createPrivateKeyPem();
  const publicKey = await publicKeyOfRequest(await createRequest(key));
  return parseCredentials(by.certificatePem, key + (await by.issue(identity, publicKey, options)));
}

describe('an authority', () => {
  it('is a certificate that may sign leaves and nothing else', () => {
    const [certificate] = readBundle(files.certificatePem);
    expect(certificate?.ca).toBe(true);
    expect(certificate?.keyUsage).toBeUndefined();
    expect(certificate?.subject).toBe('CN=Entrepot');
    expect(Date.parse(certificate?.validTo ?? '') - Date.now()).toBeGreaterThan(3600 * DAY_MS);
  });

  it('opens only with its own key', async () => {
    const other = await Authority.create('Other');
    const mixed = { certificatePem: files.certificatePem, privateKeyPem: other.privateKeyPem };
    expect((await refusalIn(Authority.open(mixed))).message).toContain('does not belong to its certificate');
  });

  it.each([
    [HUB, 365, 'spiffe://entrepot/hub'],
    [DCN0, 30, 'spiffe://entrepot/store/dcn0'],
    [ALICE, 90, 'spiffe://entrepot/operator/alice'],
  ])('issues to %j for %d days, named %s', async (identity, days, uri) => {
    const nowMs = Date.now();
    const { certificate, chainPem } = await issued(identity, { nowMs });
    expect(certificate.identity).toEqual(identity);
    expect(Math.abs(certificate.notAfterMs - nowMs - days * DAY_MS)).toBeLessThan(1000);
    expect(nowMs - certificate.notBeforeMs).toBeGreaterThan(4 * 60_000);
    const x509 = new X509Certificate(chainPem);
    expect(x509.subjectAltName).toBe(`URI:${uri}`);
    expect(x509.ca).toBe(false);
    expect(LIFETIME_MS[identity.kind]).toBe(days * DAY_MS);
  });

  it('lets operators call, and only hubs and stores serve', async () => {
    const purposes = async (identity: Identity) =>
      new X509Certificate((await issued(identity)).chainPem).keyUsage;
    const [server, client] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
    expect(await purposes(ALICE)).toEqual([client]);
    expect(await purposes(DCN0)).toEqual([server, client]);
    expect(await purposes(HUB)).toEqual([server, client]);
  });

  it('never gives a serial number twice', async () => {
    const serials = await Promise.all(
      Array.from({ length: 8 }, async () => new X509Certificate((await issued(DCN0)).chainPem).serialNumber),
    );
    expect(new Set(serials).size).toBe(8);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('says to renew when two thirds of the life have passed', async () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const { certificate } = await issued(DCN0, { nowMs });
    expect(renewAtMs(certificate)).toBe(nowMs + 20 * DAY_MS);
  });
});

describe('a certificate request', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'cannot be read'],
    ['noise', Buffer.from('certainly not'), 'cannot be read'],
    ['too much', Buffer.alloc(5000), 'is too long'],
  ])('that is %s is refused', async (_name, der, why) => {
    expect((await refusalIn(publicKeyOfRequest(der))).message).toContain(why);
  });

  it('whose signature is not by its key is refused', async () => {
    const der = await createRequest(createPrivateKeyPem());
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    const refusal = await refusalIn(publicKeyOfRequest(der));
    expect(refusal.code).toBe('INVALID');
    expect(refusal.message).toMatch(/is not signed by the key|cannot be read/);
  });
});

describe('reading a certificate', () => {
  it.each([
    ['nobody of ours', []],
    ['two of ours', ['spiffe://entrepot/hub', 'spiffe://entrepot/store/dcn0']],
    ['another trust domain', ['spiffe://elsewhere/hub']],
    ['a kind we do not know', ['spiffe://entrepot/robot/7']],
    ['a store id that is none', ['spiffe://entrepot/store/DCN0']],
    ['a longer path', ['spiffe://entrepot/hub/more']],
    ['a comma that would make two of one', ['spiffe://entrepot/hub, URI:spiffe://entrepot/operator/root']],
  ])('refuses one that names %s', async (_name, uris) => {
    const pem = await withNames(uris);
    expect(() => readCertificate(pem)).toThrow(/names nobody of this cloud/);
  });

  it('believes only what one of the authorities signed, while both are valid', async () => {
    const stranger = await Authority.open(await Authority.create('Entrepot'));
    const trusted = readBundle(files.certificatePem);
    const nowMs = Date.now();
    const isBelieved = ({ chainPem }: Credentials, atMs = nowMs) =>
      pathToAuthority(readBundle(chainPem), trusted, atMs) !== undefined;
    const hub = await issued(HUB);
    expect(isBelieved(hub)).toBe(true);
    expect(isBelieved(await issued(HUB, {}, stranger))).toBe(false);
    expect(isBelieved(hub, nowMs + 366 * DAY_MS)).toBe(false);
    expect(isBelieved(hub, nowMs - DAY_MS)).toBe(false);
    // A leaf is no authority, whatever it signs; and nobody believes what is in no chain to ca.pem.
    expect(pathToAuthority(readBundle(hub.chainPem), readBundle((await issued(DCN0)).chainPem), nowMs)).toBe(
      undefined,
    );
    expect(pathToAuthority([], trusted, nowMs)).toBe(undefined);
  });

  it('believes what an authority below one of them signed, and says how they are tied', async () => {
    const root = await TestOrganisation.create();
    const upper = await root.below('upper');
    const lower = await upper.below('lower');
    const { chainPem } = await lower.credentials(HUB);
    const path = (chain: string, authorities: string) =>
      pathToAuthority(readBundle(chain), readBundle(authorities), Date.now())?.map(({ subject }) => subject);
    const hub = 'CN=spiffe://entrepot/hub';
    expect(path(chainPem, root.rootPem)).toEqual([hub, 'CN=lower', 'CN=upper', 'CN=an organisation']);
    // One that is believed for itself needs nothing above it.
    expect(path(chainPem, upper.ownPem)).toEqual([hub, 'CN=lower', 'CN=upper']);
    expect(path(`${chainPem}${root.rootPem}`, `${files.certificatePem}${root.rootPem}`)).toHaveLength(4);
    const [leaf, ...between] = readBundle(chainPem).map(String);
    expect(path([leaf, ...between.toReversed()].join(''), root.rootPem)).toBe(undefined);
    expect(path([leaf, between[1]].join(''), root.rootPem)).toBe(undefined);
  });
});

describe('TLS', () => {
  it('takes the certificates both ways', async () => {
    expect(await handshake(await issued(HUB), await issued(DCN0))).toBe('URI:spiffe://entrepot/store/dcn0');
  });

  it('refuses an expired one, and one of another authority', async () => {
    const stranger = await Authority.open(await Authority.create('Entrepot'));
    const hub = await issued(HUB);
    const expired = await issued(DCN0, { nowMs: Date.now() - 40 * DAY_MS });
    await expect(handshake(hub, expired)).rejects.toThrow('CERT_HAS_EXPIRED');
    await expect(handshake(hub, await issued(DCN0, {}, stranger))).rejects.toThrow();
    await expect(handshake(await issued(HUB, { nowMs: Date.now() - 400 * DAY_MS }), expired)).rejects.toThrow(
      /expired/,
    );
  });

  it('leaves nothing behind that spoils the next key', async () => {
    // The same name as our authority, so that OpenSSL gets as far as the signature.
    const stranger = await Authority.open(await Authority.create('Entrepot'));
    const key = createPrivateKeyPem();
    await expect(handshake(await issued(HUB), await issued(DCN0, {}, stranger))).rejects.toThrow();
    expect(readPrivateKey(key).asymmetricKeyType).toBe('ec');
  });

  it('refuses an operator that pretends to serve', async () => {
    await expect(handshake(await issued(ALICE), await issued(DCN0))).rejects.toThrow(/purpose/);
  });
});

/** A certificate of our authority with names that `issue` would never give. */
async function withNames(uris: readonly string[]): Promise<string> {
  const x509 = await import('../../../src/trust/x509.ts');
  const { webKeysOf } = await import('../../../src/trust/keys.ts');
  const keys = await webKeysOf(createPrivateKeyPem());
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=x',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'example.org' },
        ...uris.map((value) => ({ type: 'url' as const, value })),
      ]),
    ],
  });
  return certificate.toString('pem');
}

/** What the server sees of the client. Rejects with what either side says. */
async function handshake(server: Credentials, client: Credentials): Promise<string> {
  const seen = Promise.withResolvers<string>();
  const listener = createServer(
    {
      ca: files.certificatePem,
      cert: server.chainPem,
      key: server.privateKeyPem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket: TLSSocket) => {
      if (socket.authorized) seen.resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '');
      else seen.reject(new Error(String(socket.authorizationError)));
      socket.destroy();
    },
  ).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: files.certificatePem,
    cert: client.chainPem,
    key: client.privateKeyPem,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', (error) => seen.reject(error));
  try {
    return await seen.promise;
  } finally {
    socket.destroy();
    listener.close();
  }
}
