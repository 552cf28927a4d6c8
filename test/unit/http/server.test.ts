import type { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REFUSAL_CODES, Refusal } from '../../../src/domain/refusal.ts';
import { HttpServer, type Readiness } from '../../../src/http/server.ts';
import { HTTP_STATUS } from '../../../src/http/status.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { createRegistry } from '../../../src/telemetry/metrics.ts';

describe('an HTTP server', () => {
  let ready: () => Readiness;
  let lines: string[];
  let server: HttpServer;
  let url: string;

  const make = (port = 0, registry: Registry = createRegistry('hub', '1.2.3')) =>
    new HttpServer({
      name: 'hub',
      host: '127.0.0.1',
      port,
      registry,
      open: ['health', 'metrics'],
      ready: () => ready(),
      log: createLoggers({
        component: 'hub',
        level: 'info',
        target: { write: (line) => void lines.push(line) },
      }).http,
    });

  beforeEach(async () => {
    lines = [];
    ready = () => ({ ok: true, detail: 'serving' });
    server = make();
    url = `http://127.0.0.1:${await server.start()}`;
  });
  afterEach(() => server.stop());

  const get = async (path: string, base = url) => {
    const response = await fetch(base + path);
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers };
  };

  it('answers a scrape', async () => {
    const { status, body, headers } = await get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toContain('entrepot_build_info{version="1.2.3",component="hub"} 1');
  });

  it('tells that it lives, and whether it is ready', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'alive' } });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ready: true, detail: 'serving' } });
    ready = () => ({ ok: false, detail: 'waiting for the store' });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { ready: false, detail: 'waiting for the store' },
    });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('answers what is wrong in its own form', async () => {
    ready = () => {
      throw new Refusal('UNAVAILABLE', 'the catalogue is closed', { hint: 'start the hub again' });
    };
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE', message: 'the catalogue is closed', hint: 'start the hub again' },
    });
    expect(await get('/nowhere')).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(await get('/%zz')).toMatchObject({ status: 400, body: { code: 'INVALID' } });
    // Who was refused for what it showed stands in the log, without the query.
    expect(await get('/nowhere?token=abc')).toMatchObject({ status: 401 });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', code: 'UNAUTHENTICATED', path: '/nowhere', peer: '127.0.0.1' },
      { level: 'info', path: '/nowhere' },
    ]);
    expect(lines.join('')).not.toContain('abc');
  });

  it('logs a fault of ours, once', async () => {
    ready = () => {
      throw new TypeError('x is not a function');
    };
    expect(await get('/readyz?token=abc')).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 'error', part: 'http', path: '/readyz' });
    expect(lines.join('')).not.toContain('abc');
  });

  it('whose port is in use says which, and what to do', async () => {
    const port = Number(new URL(url).port);
    await expect(make(port).start()).rejects.toMatchObject({
      code: 'CONFLICT',
      message: `hub cannot listen on 127.0.0.1:${port}: the port is in use`,
      hint: expect.stringContaining('`listen`'),
    });
  });

  it('stops although a client keeps its connection, and may be stopped again', async () => {
    await get('/healthz');
    await server.stop();
    await server.stop();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});

describe('the status of a refusal', () => {
  it.each(REFUSAL_CODES)('%s is an error of HTTP', (code) => {
    expect(HTTP_STATUS[code]).toBeGreaterThanOrEqual(400);
    expect(HTTP_STATUS[code]).toBeLessThan(600);
  });
  it.each([
    ['NOT_FOUND', 404],
    ['IN_USE', 409],
    ['FORBIDDEN', 403],
    ['UNAUTHENTICATED', 401],
    ['RATE_LIMITED', 429],
    ['UNAVAILABLE', 503],
    ['NO_SPACE', 507],
  ] as const)('%s is %i', (code, status) => {
    expect(HTTP_STATUS[code]).toBe(status);
  });
});
