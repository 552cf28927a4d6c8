import { describe, expect, it } from 'vitest';
import { UriFilter } from '../../../src/fetch/uri-filter.ts';
import { fetched, refusalOf, ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { serverTls } from './server-certificate.ts';

const tls = await serverTls(['images.test']);
const names = { 'images.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] };
const bytes = sampleBytes(100_000);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('are followed, also relative ones: %i', async (status) => {
    const file = new ServedFile(bytes);
    await using server = await TestServer.start((request, response) => {
      if (request.url === '/there/file.raw') file.listener(request, response);
      else response.writeHead(status, { location: 'there/file.raw' }).end('<a>');
    });
    const { source } = sourceWith();
    expect(await fetched(source, server.url('/here'))).toEqual(bytes);
    expect(server.asked.map(({ url }) => url)).toEqual(['/here', '/there/file.raw']);
  });

  it('are followed five times, and not six', async () => {
    const file = new ServedFile(bytes);
    await using server = await TestServer.start((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) file.listener(request, response);
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    const { source } = sourceWith();
    expect(await fetched(source, server.url('/5'))).toEqual(bytes);
    expect(await refusalOf(fetched(source, server.url('/6')))).toMatchObject({
      code: 'INVALID',
      message: `${server.url('/6')} redirects more than 5 times`,
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('in a circle end, and none of their connections is left', async () => {
    await using server = await TestServer.start((_, response) => {
      // And then nothing more, nor an end.
      response.writeHead(301, { location: '/a', 'content-length': 1000 }).write('moved');
    });
    const { source } = sourceWith();
    expect(await refusalOf(fetched(source, server.url('/a')))).toMatchObject({ code: 'INVALID' });
    expect(server.accepted).toBe(6);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it.each([
    ['another scheme', 'ftp://images.test/a', 'FORBIDDEN', 'the scheme ftp is not allowed'],
    ['another host', 'http://other.test/a', 'FORBIDDEN', 'the host other.test is not allowed'],
    ['nowhere', 'http://[/', 'UNSUPPORTED', 'does not say where to'],
    ['nothing', undefined, 'UNSUPPORTED', 'does not say where to'],
  ])('to %s are refused by the same filter', async (_, location, code, message) => {
    await using server = await TestServer.start(
      (__, response) => void response.writeHead(302, location === undefined ? {} : { location }).end(),
    );
    const { source } = sourceWith({
      names,
      uris: new UriFilter({ allowedPorts: [], allowedHosts: ['images.test'] }),
    });
    expect(await refusalOf(fetched(source, server.url('/a', 'images.test')))).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('to a port that is not allowed are refused', async () => {
    await using victim = await TestServer.start(new ServedFile(bytes).listener);
    await using server = await TestServer.start(
      (_, response) => void response.writeHead(302, { location: victim.url() }).end(),
    );
    const { source } = sourceWith({ uris: new UriFilter({ allowedPorts: [server.port] }) });
    expect(await refusalOf(fetched(source, server.url()))).toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('`web_download.allowed_ports`') as string,
    });
    expect(victim.accepted).toBe(0);
  });

  it('from https to http are refused, the other way followed', async () => {
    const file = new ServedFile(bytes);
    const elsewhere: { location?: string } = {};
    await using plain = await TestServer.start((request, response) => {
      if (request.url === '/up') response.writeHead(302, elsewhere).end();
      else file.listener(request, response);
    });
    await using safe = await TestServer.start(
      (request, response) => {
        if (request.url === '/down')
          response.writeHead(302, { location: plain.url('/file.raw', 'images.test') }).end();
        else file.listener(request, response);
      },
      { tls },
    );
    elsewhere.location = safe.url('/file.raw', 'images.test');
    const { source } = sourceWith({ names, caPem: tls.caPem });
    expect(await refusalOf(fetched(source, safe.url('/down', 'images.test')))).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('away from https') as string,
    });
    expect(plain.accepted).toBe(0);
    expect(await fetched(source, plain.url('/up', 'images.test'))).toEqual(bytes);
  });
});

describe('credentials of a URI', () => {
  it('go to its own scheme, host and port only', async () => {
    const file = new ServedFile(bytes);
    await using stranger = await TestServer.start(file.listener);
    let location = '';
    await using server = await TestServer.start((request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else response.writeHead(302, { location }).end();
    });
    const { source } = sourceWith({ names });
    const uri = server.url('/a', 'alice:s3cret@images.test');
    for (const there of [
      stranger.url('/c', 'images.test'),
      server.url('/a', 'other.test').replace('/a', '/c'),
    ]) {
      location = there;
      await fetched(source, uri).catch(() => {});
    }
    // Own words of a redirect are its own affair.
    location = stranger.url('/d', 'bob:pw@images.test');
    await fetched(source, uri);
    const told = [...server.asked, ...stranger.asked].map(({ url, headers }) => [
      headers.host?.split(':')[0],
      url,
      headers.authorization,
    ]);
    const own = [
      ['images.test', '/a', basic('alice:s3cret')],
      ['images.test', '/b', basic('alice:s3cret')],
    ];
    expect(told.filter(([, , authorization]) => authorization === basic('alice:s3cret'))).toEqual([
      ...own,
      ...own,
      ...own,
    ]);
    expect(told).toContainEqual(['images.test', '/c', undefined]);
    expect(told).toContainEqual(['other.test', '/c', undefined]);
    expect(told).toContainEqual(['images.test', '/d', basic('bob:pw')]);
  });

  it('and its query are in no refusal', async () => {
    const statuses = [401, 403, 404, 429, 500, 302, 206];
    await using server = await TestServer.start((request, response) => {
      const status = Number(request.url?.slice(1, 4));
      const location = server.url('/404?s3cret', 's3cret:s3cret@127.0.0.1');
      response.writeHead(status, { location, 'content-length': 0 }).end();
    });
    const { source } = sourceWith({ limits: { attempts: 2 } });
    const refusals = await Promise.all([
      ...statuses.map((status) =>
        refusalOf(fetched(source, server.url(`/${status}?s3cret`, 's3cret:s3cret@127.0.0.1'))),
      ),
      refusalOf(fetched(source, 'http://s3cret:s3cret@nowhere.test/?s3cret')),
      refusalOf(fetched(source, 'http://s3cret:s3cret@127.0.0.1:1/?s3cret')),
    ]);
    for (const refusal of refusals) {
      let said = '';
      for (let error: unknown = refusal; error instanceof Error; error = error.cause) {
        said += Object.getOwnPropertyNames(error).map((name) => JSON.stringify(Reflect.get(error, name)));
      }
      expect(said).not.toContain('s3cret');
    }
  });
});
