import { request } from 'node:https';
import { afterEach, describe, expect, test } from 'vitest';
import { serverLimits } from '../../../src/hub/server-limits.ts';
import { SERVER_LIMITS } from '../../../src/rpc/limits.ts';
import { Operators } from '../../../src/rpc/proto.ts';
import type { Credentials } from '../../../src/trust/credentials.ts';
import { refusalOf, TestHub } from './test-hub.ts';

let hub: TestHub;
afterEach(() => hub[Symbol.asyncDispose]());

interface Shown {
  readonly caPem: string;
  readonly bearer?: string;
  readonly certificate?: Credentials;
}

/** The status of a GET over TLS. */
function get(path: string, { caPem, bearer, certificate }: Shown): Promise<number> {
  return new Promise((resolve, reject) => {
    request({
      host: '127.0.0.1',
      port: hub.httpPort,
      path,
      ca: caPem,
      checkServerIdentity: () => undefined,
      ...(certificate && { key: certificate.privateKeyPem, cert: certificate.chainPem }),
      ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }),
    })
      .once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .once('error', reject)
      .end();
  });
}

describe('the HTTP of a hub', () => {
  test('on the loopback is plain, with health and metrics for whoever asks', async () => {
    hub = await TestHub.start();
    for (const [path, status] of [
      ['/metrics', 200],
      ['/readyz', 200],
      ['/v2/images', 401],
    ] as const) {
      expect((await fetch(`http://127.0.0.1:${hub.httpPort}${path}`)).status).toBe(status);
    }
  });

  test('under TLS knows the operators of gRPC, and leaves open what is configured', async () => {
    hub = await TestHub.start({ config: { http: { tls: true, open: ['health'] } } });
    const certificate = await hub.admin();
    const { caPem } = certificate;
    expect(await get('/readyz', { caPem })).toBe(200);
    expect(await get('/metrics', { caPem })).toBe(401);
    expect(await get('/metrics', { caPem, certificate })).toBe(200);
    const { bearer } = await hub.tokenOf('admin');
    expect(await get('/metrics', { caPem, bearer })).toBe(200);
    const [first] = (await hub.call(certificate, Operators.List, {})).operators;
    const credentialId = first?.credentials.find(({ kind }) => kind === 'token')?.id ?? '';
    await hub.call(certificate, Operators.Revoke, { name: 'admin', credentialId });
    expect(await get('/metrics', { caPem, bearer })).toBe(401);
  });
});

test('the limits that are configured by default are those of the server', async () => {
  hub = await TestHub.configure();
  expect(SERVER_LIMITS).toMatchObject(serverLimits(hub.config.limits));
  expect(Object.keys(serverLimits(hub.config.limits))).toHaveLength(4);
});

test('an operator that asks more than is configured is told to ask less', async () => {
  hub = await TestHub.start({ config: { limits: { operator_calls_per_second: 1 } } });
  const admin = await hub.admin();
  for (let n = 0; n < 2; n++) await hub.call(admin, Operators.WhoAmI, {});
  expect(await refusalOf(hub.call(admin, Operators.WhoAmI, {}))).toMatchObject({ code: 'RATE_LIMITED' });
});

test('a hub that was never set up says what to do', async () => {
  hub = await TestHub.configure();
  const refusal = await refusalOf(hub.up());
  expect(refusal).toMatchObject({ code: 'NOT_FOUND' });
  expect(refusal.hint).toContain('entrepot hub init');
});
