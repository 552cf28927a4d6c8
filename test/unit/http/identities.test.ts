import { once } from 'node:events';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { HttpServer, type HttpServerSettings } from '../../../src/http/server.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { createRegistry } from '../../../src/telemetry/metrics.ts';
import type { Authenticate } from '../../../src/trust/caller.ts';
import { HUB, type Identity } from '../../../src/trust/identity.ts';
import { TestAuthority } from '../../trust/test-authority.ts';

const ALICE: Identity = { kind: 'operator', name: 'alice' };
const authority = await TestAuthority.create();
const foreign = await (await TestAuthority.create()).credentials(ALICE);
const alice = await authority.credentials(ALICE);
const expired = await authority.expired(ALICE);
const tls = await authority.credentials(HUB);

const TOKEN = 'entrepot-api-good';
const authenticate: Authenticate = ({ certificate, bearer }) => {
  if (bearer === TOKEN || certificate?.identity.kind === 'operator') {
    return { kind: 'operator', name: 'alice', role: 'reader' };
  }
  if (bearer === undefined) return { kind: 'nobody' };
  throw new Refusal('UNAUTHENTICATED', 'the token is not known');
};

describe('an HTTPS server', () => {
  let server: HttpServer | undefined;
  let port = 0;
  const lines: string[] = [];

  const serve = async (settings: Partial<HttpServerSettings> = {}) => {
    server = new HttpServer({
      name: 'hub',
      host: '127.0.0.1',
      port: 0,
      registry: createRegistry('hub', '1.2.3'),
      open: ['health'],
      authenticate,
      tls,
      ready: () => ({ ok: true, detail: 'serving' }),
      log: createLoggers({
        component: 'hub',
        level: 'info',
        target: { write: (line) => void lines.push(line) },
      }).http,
      ...settings,
    });
    port = await server.start();
  };
  afterEach(() => server?.stop());

  const get = async (path: string, options: RequestOptions = {}) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      ca: authority.caPem,
      checkServerIdentity: () => undefined,
      agent: false,
      ...options,
    });
    sent.end();
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    let text = '';
    for await (const piece of response) text += String(piece);
    return { status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const as = ({ chainPem, privateKeyPem }: { chainPem: string; privateKeyPem: string }) => ({
    cert: chainPem,
    key: privateKeyPem,
  });
  const bearer = (authorization: string) => ({ headers: { authorization } });

  it('answers anybody what is left open, and nothing else', async () => {
    await serve();
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/readyz?verbose')).toMatchObject({ status: 200 });
    for (const path of ['/metrics', '/metrics?x', '/nowhere', '/healthz/../metrics', '//metrics']) {
      expect(await get(path)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    }
  });

  it('leaves metrics open when it is told so', async () => {
    await serve({ open: ['metrics'] });
    expect(await get('/metrics')).toMatchObject({ status: 200 });
    expect(await get('/healthz')).toMatchObject({ status: 401 });
  });

  it.each([
    ['a certificate', as(alice)],
    ['a token', bearer(`Bearer ${TOKEN}`)],
  ])('answers who shows %s', async (_, options) => {
    await serve({ open: [] });
    for (const path of ['/metrics', '/healthz'])
      expect(await get(path, options)).toMatchObject({ status: 200 });
    expect(await get('/nowhere', options)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it.each([
    ['an expired certificate', as(expired), 'the certificate of the caller has expired'],
    ['one of another cloud', as(foreign), 'was not signed by the authority of this cloud'],
    ['an unknown token', bearer('Bearer entrepot-api-bad'), 'the token is not known'],
    ['something else', bearer('Basic YTpi'), 'no bearer token'],
    ['a bad certificate with a good token', { ...as(expired), ...bearer(`Bearer ${TOKEN}`) }, 'has expired'],
  ])('refuses %s and says why, without the secret', async (_, options, message) => {
    await serve();
    const { status, body } = await get('/metrics', options);
    expect(status).toBe(401);
    expect(body.message).toContain(message);
    expect(JSON.stringify(body) + lines.join('')).not.toContain('entrepot-api-bad');
    // What is open stays so.
    expect(await get('/healthz', options)).toMatchObject({ status: 200 });
  });

  it('answers nobody in particular where nobody can be known', async () => {
    await serve({ authenticate: undefined });
    expect(await get('/metrics', as(alice))).toMatchObject({ status: 401 });
  });

  it('limits how often one asks, and not the others', async () => {
    await serve();
    // A connection for each would take a busy machine so long that the limit lets them all through.
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const statuses = await Promise.all(
      Array.from({ length: 240 }, async () => (await get('/metrics', { ...as(alice), agent })).status),
    );
    agent.destroy();
    expect(statuses).toContain(429);
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  it('speaks TLS 1.3 only, also after its certificate was renewed, which new connections see', async () => {
    await serve();
    const renewed = await authority.credentials(HUB);
    server?.renew(renewed);
    const socket = connectTls({ port, ca: authority.caPem, checkServerIdentity: () => undefined });
    await once(socket, 'secureConnect');
    const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase();
    expect([socket.getProtocol(), shown]).toEqual(['TLSv1.3', renewed.certificate.fingerprint]);
    socket.destroy();
    const old = connectTls({ port, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).toContain('protocol version');
    expect(await get('/metrics', as(alice))).toMatchObject({ status: 200 });
  });

  it.each([
    ['never begins TLS', ''],
    ['speaks no TLS', 'GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n'],
  ])('drops who %s', async (_, text) => {
    await serve({ times: { requestMs: 600, silenceMs: 600, handshakeMs: 600 } });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(text);
    await once(socket, 'close');
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  it.each([
    ['never ends its headers', 'GET /healthz HTTP/1.1\r\nHost: hub\r\n'],
    ['sends more headers than fit', `GET /healthz HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      'announces a body that is too large',
      'GET /healthz HTTP/1.1\r\nHost: hub\r\ncontent-length: 99999999\r\n\r\n',
    ],
    ['says nothing', ''],
  ])('drops who %s', async (_, text) => {
    await serve({ times: { requestMs: 600, silenceMs: 1200, handshakeMs: 600 } });
    const socket = connectTls({ port, ca: authority.caPem, checkServerIdentity: () => undefined });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.resume();
    if (text !== '') socket.write(text);
    await once(socket, 'close');
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });
});
