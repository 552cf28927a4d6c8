import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { callDuplex, callUnary } from '../../../src/rpc/calls.ts';
import { type ChannelSettings, controlChannel } from '../../../src/rpc/channel.ts';
import { Agents, Jobs } from '../../../src/rpc/proto.ts';
import { fingerprintOf } from '../../../src/trust/certificate.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import {
  ALICE,
  aliceCredentials,
  authority,
  type BenchSettings,
  hubCredentials,
  reach,
  refusalIn,
  serve,
} from './harness.ts';

const DCN1 = { kind: 'store', storeId: 'dcn1' } as const;
const { caPem } = authority;
const otherAuthority = await TestAuthority.create();

const expired = await authority.expired(ALICE);
const foreign = { ...(await otherAuthority.credentials(ALICE)), caPem };
const later = { nowMs: Date.now() + 3_600_000 };
const early = await authority.credentials(ALICE, later);

/** Certificates no caller should believe to be the hub's. */
const SERVERS = {
  expired: await authority.expired(HUB),
  early: await authority.credentials(HUB, later),
  store: await authority.credentials(DCN1),
  operator: await authority.credentials({ kind: 'operator', name: 'mal.lory' }),
  foreign: await otherAuthority.credentials(HUB),
};

const WHO = { Jobs: { Get: async () => ({ id: 'here' }) } };

/** Why Jobs.Get is refused, with these settings of both sides. */
async function refusal(server: BenchSettings, client: Partial<ChannelSettings>) {
  await using bench = await serve(WHO, server);
  await using channel = controlChannel({ ...bench.address, ...client });
  const { code, message, hint = '' } = await refusalIn(callUnary(channel, Jobs.Get, {}));
  return { code, message: message.replace(`127.0.0.1:${bench.port}`, 'HERE'), hint };
}

describe('a caller', () => {
  it.each([
    ['that expired', SERVERS.expired, 'the certificate of hub at HERE has expired', 'clock'],
    ['that is not valid yet', SERVERS.early, 'the certificate of hub at HERE is not valid yet', 'clocks'],
    [
      'of somebody else',
      SERVERS.store,
      'the certificate of hub at HERE is that of store dcn1, not the hub',
      'address',
    ],
    [
      'of an operator',
      SERVERS.operator,
      'the certificate of hub at HERE is not one to serve with',
      'address',
    ],
    [
      'of another cloud',
      SERVERS.foreign,
      'the certificate of hub at HERE was not signed by an authority of these credentials',
      'ca.pem',
    ],
  ])('does not call a server with a certificate %s', async (_, credentials, message, hint) => {
    let calls = 0;
    const given = { Jobs: { Get: async () => ({ id: `${calls++}` }) } };
    await using bench = await serve(given, { credentials });
    const { code, ...refused } = await refusalIn(callUnary(bench.channel(), Jobs.Get, {}));
    expect(code).toBe('UNAUTHENTICATED');
    expect(refused.hint).toContain(hint);
    const expected = message.replace('HERE', `127.0.0.1:${bench.port}`);
    await expect(callUnary(bench.channel(), Jobs.Get, {})).rejects.toThrow(expected);
    expect(calls).toBe(0);
  });

  it('calls a server by whatever name it is reached, when it is the right one', async () => {
    await using bench = await serve(WHO);
    await using channel = controlChannel({ ...bench.address, address: `localhost:${bench.port}` });
    expect((await callUnary(channel, Jobs.Get, {})).id).toBe('here');
  });

  it('of a port that speaks no TLS, an older one, or another protocol is told so', async () => {
    const plain = createPlainServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    const { chainPem: cert, privateKeyPem: key } = hubCredentials;
    const old = createTlsServer({ cert, key, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] });
    const http = createTlsServer({ cert, key, ALPNProtocols: ['http/1.1'] });
    for (const [server, message] of [
      [plain, 'does not speak TLS'],
      [old, 'does not speak TLS 1.3'],
      [http, 'does not speak gRPC'],
    ] as const) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      await using channel = controlChannel(reach(port));
      expect(await refusalIn(callUnary(channel, Jobs.Get, {}))).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: `hub at 127.0.0.1:${port} ${message}`,
      });
      server.close();
    }
  });

  it('whose own certificate and key are no pair does not even begin', () => {
    const credentials = { ...aliceCredentials, privateKeyPem: hubCredentials.privateKeyPem };
    expect(() => controlChannel({ ...reach(1), credentials })).toThrow(/TLS does not take the certificate/);
  });
});

describe('a server for anyone', () => {
  it.each([
    ['no certificate', { caPem }, 'Jobs.Get needs an identity of this cloud', '--credentials'],
    ['an expired one', expired, 'the certificate of the caller has expired', 'operator issue'],
    ['one that is not valid yet', early, 'the certificate of the caller is not valid yet', 'operator issue'],
    [
      'one of another cloud',
      foreign,
      'the certificate of the caller was not signed by the authority of this cloud',
      'operator issue',
    ],
  ])('tells a caller with %s what is wrong', async (_, credentials, message, hint) => {
    const refused = await refusal({}, { credentials });
    expect(refused.code).toBe('UNAUTHENTICATED');
    expect(refused.message).toContain(message);
    expect(refused.hint).toContain(hint);
  });

  it('does not take a bad certificate for none, whatever else is shown', async () => {
    const credentials = { ...expired, bearer: 'entrepot-api-x' };
    expect((await refusal({}, { credentials })).message).toBe('the certificate of the caller has expired');
  });

  it('looks at every call whether the certificate of its connection is still good', async () => {
    let nowMs = Date.now();
    await using bench = await serve(WHO, { now: () => nowMs });
    const channel = bench.channel();
    expect((await callUnary(channel, Jobs.Get, {})).id).toBe('here');
    nowMs = aliceCredentials.certificate.notAfterMs + 1;
    expect(await refusalIn(callUnary(channel, Jobs.Get, {}))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'the certificate of the caller has expired',
    });
  });

  it('shows its authority along with its certificate, whatever else is in its chain', async () => {
    const chainPem = `${hubCredentials.chainPem}${otherAuthority.caPem}`;
    await using bench = await serve(WHO, { credentials: { ...hubCredentials, chainPem } });
    const socket = connect({ port: bench.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    const chain = chainOf(socket);
    expect(chain[0]).toBe(hubCredentials.certificate.fingerprint);
    expect(chain.at(-1)).toBe(fingerprint(caPem));
    socket.destroy();
  });

  it('speaks TLS 1.3 and nothing older', async () => {
    await using bench = await serve(WHO);
    const options = {
      port: bench.port,
      ca: caPem,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    };
    const modern = connect(options);
    await once(modern, 'secureConnect');
    expect(modern.getProtocol()).toBe('TLSv1.3');
    modern.destroy();
    const old = connect({ ...options, maxVersion: 'TLSv1.2' });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).toContain('protocol version');
  });
});

describe('a server for those who are known', () => {
  it.each([
    ['no certificate', { caPem }, 'hub at HERE wants to see a certificate, and these credentials have none'],
    ['an expired one', expired, 'hub at HERE closed the connection'],
    ['one of another cloud', foreign, 'hub at HERE closed the connection'],
  ])('lets nobody through TLS with %s', async (_, credentials, message) => {
    const calls: unknown[] = [];
    const authenticate = () => {
      calls.push(1);
      return { kind: 'hub' } as const;
    };
    const refused = await refusal({ clients: 'known', authenticate }, { credentials });
    expect(refused.code).toBe('UNAUTHENTICATED');
    expect(refused.message).toContain(message);
    expect(refused.hint).not.toBe('');
    expect(calls).toEqual([]);
  });

  it('serves who has a certificate', async () => {
    await using bench = await serve(WHO, { clients: 'known' });
    expect((await callUnary(bench.channel(), Jobs.Get, {})).id).toBe('here');
  });
});

describe('a renewed certificate', () => {
  it('is what new connections see, and those that are there go on', async () => {
    await using bench = await serve({
      ...WHO,
      Agents: {
        Attach: async (messages, write) => {
          for await (const _ of messages) await write({});
        },
      },
    });
    await using attach = callDuplex(bench.channel(), Agents.Attach);
    const answers = attach.messages[Symbol.asyncIterator]();
    await attach.write({ heartbeat: {} });
    await answers.next();

    const renewed = await authority.credentials(HUB);
    bench.server.renew(renewed);
    const socket = connect({ port: bench.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    expect(chainOf(socket)).toEqual([renewed.certificate.fingerprint, fingerprint(caPem)]);
    socket.destroy();
    expect((await callUnary(bench.channel(), Jobs.Get, {})).id).toBe('here');

    await attach.write({ heartbeat: {} });
    expect((await answers.next()).done).toBe(false);
  });

  it('does not open the way to older TLS', async () => {
    await using bench = await serve(WHO);
    bench.server.renew(await authority.credentials(HUB));
    const old = connect({
      port: bench.port,
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).toContain('protocol version');
  });

  it('that TLS does not take is refused, and the one before stays', async () => {
    await using bench = await serve(WHO);
    const broken = { ...hubCredentials, privateKeyPem: aliceCredentials.privateKeyPem };
    expect(() => bench.server.renew(broken)).toThrow(/TLS does not take the certificate/);
    expect((await callUnary(bench.channel(), Jobs.Get, {})).id).toBe('here');
  });
});

/** All it sent; Node gives it once. */
function chainOf(socket: TLSSocket): string[] {
  const chain: string[] = [];
  for (let at = socket.getPeerX509Certificate(); at !== undefined; at = at.issuerCertificate) {
    chain.push(fingerprintOf(at));
  }
  return chain;
}

function fingerprint(pem: string): string {
  return fingerprintOf(new X509Certificate(pem));
}
