import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AddressFilter } from '../../../src/fetch/address-filter.ts';
import { fetched, refusalOf, ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { serverTls } from './server-certificate.ts';

const tls = await serverTls(['images.test', 'other.test', '127.0.0.1']);
const foreign = await serverTls(['images.test']);
const expired = await serverTls(['images.test'], Date.now() - 60_000);
const names = { 'images.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] };
const bytes = sampleBytes(100_000);

describe('addresses', () => {
  const PUBLIC_ONLY = { addresses: new AddressFilter() };

  it.each(['127.0.0.1', 'localhost.test', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0', '[::]'])(
    'that are not public are never connected to: %s',
    async (host) => {
      const file = new ServedFile(bytes);
      await using server = await TestServer.start(file.listener, { host: '::' });
      const { source, clock } = sourceWith({ ...PUBLIC_ONLY, names: { 'localhost.test': ['127.0.0.1'] } });
      expect(await refusalOf(fetched(source, server.url('/a', host)))).toMatchObject({
        code: 'FORBIDDEN',
        message: expect.stringContaining('is no public address (') as string,
        hint: expect.stringContaining('`web_download.allowed_networks`') as string,
      });
      expect([server.accepted, clock.sleptMs]).toEqual([0, []]);
    },
  );

  it('of a name that may not be connected to are left out, and the others used', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener, { host: '127.0.0.2' });
    await using other = await TestServer.start(new ServedFile(bytes).listener, { port: server.port });
    const { source } = sourceWith({
      addresses: new AddressFilter({ allowedNetworks: ['127.0.0.2'] }),
      names: { 'images.test': ['127.0.0.1', '127.0.0.2'] },
    });
    expect(await fetched(source, server.url('/a', 'images.test'))).toEqual(bytes);
    expect([server.accepted, other.accepted]).toEqual([1, 0]);
  });

  it('of which the first does not answer: the next one does', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener);
    const { source, clock } = sourceWith({ names: { 'images.test': ['127.0.0.3', '127.0.0.1'] } });
    expect(await fetched(source, server.url('/a', 'images.test'))).toEqual(bytes);
    expect(clock.sleptMs).toEqual([]);
  });

  it('of a name that is bound anew: the connection goes to what was checked, and a later one is checked anew', async () => {
    const file = new ServedFile(bytes);
    file.cuts.push(40_000);
    await using server = await TestServer.start(file.listener, { host: '127.0.0.2' });
    await using victim = await TestServer.start(file.listener, { port: server.port });
    const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1'];
    let asked = 0;
    const { source } = sourceWith({
      addresses: new AddressFilter({ allowedNetworks: ['127.0.0.2'] }),
      resolve: async () => [{ address: answers[asked++] ?? '127.0.0.1', family: 4 }],
    });
    using opened = await source.open(server.url('/a', 'images.test'), {
      signal: new AbortController().signal,
    });
    // One look-up for one connection: a second one would have led to the victim.
    expect([asked, server.accepted]).toEqual([1, 1]);
    const read = async () => {
      let length = 0;
      for await (const piece of opened.bytes) length += piece.length;
      return length;
    };
    expect(await refusalOf(read())).toMatchObject({ code: 'FORBIDDEN' });
    expect([asked, server.accepted, victim.accepted]).toEqual([2, 1, 0]);
  });

  it('are looked up for each redirect', async () => {
    await using victim = await TestServer.start(new ServedFile(bytes).listener);
    await using server = await TestServer.start(
      (_, response) => void response.writeHead(302, { location: victim.url('/a', 'inside.test') }).end(),
      { host: '127.0.0.2' },
    );
    const { source } = sourceWith({
      addresses: new AddressFilter({ allowedNetworks: ['127.0.0.2'] }),
      names: { 'images.test': ['127.0.0.2'], 'inside.test': ['127.0.0.1'] },
    });
    expect(await refusalOf(fetched(source, server.url('/a', 'images.test')))).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('inside.test is no public address (loopback, 127.0.0.0/8)') as string,
    });
    expect([server.accepted, victim.accepted]).toEqual([1, 0]);
  });

  it('of a name that does not exist are asked for once', async () => {
    const { source, clock } = sourceWith();
    expect(await refusalOf(fetched(source, 'http://nowhere.test/a'))).toMatchObject({
      code: 'NOT_FOUND',
      message: 'http://nowhere.test/a: there is no host nowhere.test',
    });
    expect(clock.sleptMs).toEqual([]);
  });

  it('are asked for again when the name servers do not answer', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener);
    let asked = 0;
    const { source, clock } = sourceWith({
      resolve: async () => {
        if (asked++ === 0) throw Object.assign(new Error('later'), { code: 'EAI_AGAIN' });
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    expect(await fetched(source, server.url('/a', 'images.test'))).toEqual(bytes);
    expect(clock.sleptMs).toHaveLength(1);
  });
});

describe('TLS', () => {
  const serving = (shown = tls) => TestServer.start(new ServedFile(bytes).listener, { tls: shown });

  it.each(['images.test', '127.0.0.1'])('is spoken with a server that proves to be %s', async (host) => {
    await using server = await serving();
    const { source } = sourceWith({ names, caPem: tls.caPem });
    expect(await fetched(source, server.url('/a', host))).toEqual(bytes);
  });

  it.each([
    ['of an unknown authority', foreign, tls, 'images.test', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['of another name', tls, tls, 'wrong.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['of a name, for an address', foreign, foreign, '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that has expired', expired, expired, 'images.test', 'CERT_HAS_EXPIRED'],
  ])('with a certificate %s is refused at once', async (_, shown, { caPem }, host, reason) => {
    await using server = await serving(shown);
    const { source, clock } = sourceWith({ names: { ...names, 'wrong.test': ['127.0.0.1'] }, caPem });
    expect(await refusalOf(fetched(source, server.url('/a', host)))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining(reason) as string,
      hint: expect.stringContaining('`web_download.ca_file`') as string,
    });
    expect([server.asked, clock.sleptMs]).toEqual([[], []]);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('is not spoken by a server of the other scheme, and the other way about', async () => {
    await using safe = await serving();
    await using plain = await TestServer.start(new ServedFile(bytes).listener);
    const { source } = sourceWith({ names, caPem: tls.caPem });
    expect(await refusalOf(fetched(source, plain.url('/a').replace('http:', 'https:')))).toMatchObject({
      code: 'UNSUPPORTED',
    });
    // A TLS server only drops the connection.
    expect((await refusalOf(fetched(source, safe.url('/a').replace('https:', 'http:')))).code).toMatch(
      /UNAVAILABLE|UNSUPPORTED/,
    );
  });

  it.each(['', 'nothing', `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`])(
    'takes no authority from %j',
    (caPem) => {
      expect(() => sourceWith({ caPem })).toThrow(expect.objectContaining({ code: 'INVALID' }));
    },
  );
});

it('the environment neither sets a proxy nor takes the checks of TLS away', async () => {
  await using proxy = await TestServer.start((_, response) => void response.end('proxied'));
  await using server = await TestServer.start((_, response) => void response.writeHead(404).end());
  await using safe = await TestServer.start(new ServedFile(bytes).listener, { tls });
  const script = `
    const { HttpSource } = await import(${JSON.stringify(moduleUrl('http-source.ts'))});
    const { AddressFilter } = await import(${JSON.stringify(moduleUrl('address-filter.ts'))});
    const { UriFilter } = await import(${JSON.stringify(moduleUrl('uri-filter.ts'))});
    const source = new HttpSource({
      uris: new UriFilter({ allowedPorts: [] }),
      addresses: new AddressFilter({ allowedNetworks: ['127.0.0.0/8'] }),
      maxBytes: 1e9,
    });
    for (const uri of ${JSON.stringify([server.url(), safe.url()])}) {
      const codes = await source.open(uri, { signal: new AbortController().signal }).catch(({ code }) => code);
      console.log(codes);
    }`;
  const at = `http://127.0.0.1:${proxy.port}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: at,
      HTTPS_PROXY: at,
      http_proxy: at,
      https_proxy: at,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    },
  });
  expect(stdout.trim().split('\n')).toEqual(['NOT_FOUND', 'UNAUTHENTICATED']);
  expect(proxy.accepted).toBe(0);
});

function moduleUrl(name: string): string {
  return new URL(`../../../src/fetch/${name}`, import.meta.url).href;
}
