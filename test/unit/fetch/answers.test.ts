import { describe, expect, it } from 'vitest';
import {
  fetched,
  MIB,
  refusalOf,
  ServedFile,
  sampleBytes,
  sourceWith,
  TestServer,
  thenAnswering,
} from './http-bench.ts';

const bytes = sampleBytes(3 * MIB + 5);
const signal = new AbortController().signal;

describe('a server that lies', () => {
  it('with a length that is too long: a connection that broke off, until the attempts are used up', async () => {
    const served = new ServedFile(bytes.subarray(0, 5000));
    await using server = await TestServer.start((request, response) => {
      if (request.headers.range === undefined) {
        response
          .writeHead(200, { 'content-length': 6000, etag: '"v1"' })
          .write(served.bytes, () => response.destroy());
      } else response.writeHead(206, { 'content-range': 'bytes 5000-5999/6000', etag: '"v1"' }).destroy();
    });
    const { source } = sourceWith({ limits: { attempts: 3 } });
    expect(await refusalOf(fetched(source, server.url()))).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('given up after 3 attempts') as string,
    });
    expect(server.asked).toHaveLength(3);
  });

  it('with a length that is too short is taken at its word', async () => {
    await using server = await TestServer.start((_, response) => {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n';
      response.socket?.end(Buffer.concat([Buffer.from(head), bytes.subarray(0, 5000)]));
    });
    expect((await fetched(sourceWith().source, server.url())).equals(bytes.subarray(0, 1000))).toBe(true);
  });

  it('with more chunks than the range it announced is refused', async () => {
    await using server = await TestServer.start(
      thenAnswering(new ServedFile(bytes), (response) => {
        const contentRange = `bytes 1000-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, {
          'content-range': contentRange,
          etag: '"v1"',
          'transfer-encoding': 'chunked',
        });
        response.end(bytes.subarray(0, bytes.length - 999));
      }),
    );
    expect(await refusalOf(fetched(sourceWith().source, server.url()))).toMatchObject({ code: 'CORRUPT' });
  });

  it.each([
    ['neither length nor end', 'HTTP/1.1 200 OK\r\n\r\n', 'UNSUPPORTED', 'neither the length nor the end'],
    ['HTTP/1.0 and no length', 'HTTP/1.0 200 OK\r\n\r\n', 'UNSUPPORTED', 'neither the length nor the end'],
    [
      'another transfer encoding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      'UNSUPPORTED',
      'gzip',
    ],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
      'UNSUPPORTED',
      'not HTTP/1.1',
    ],
    ['a huge length', `HTTP/1.1 200 OK\r\nContent-Length: ${2n ** 63n}\r\n\r\n`, 'UNSUPPORTED', 'length'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'UNSUPPORTED', 'not HTTP/1.1'],
    [
      'endless headers',
      `HTTP/1.1 200 OK\r\n${'x: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(1000)}\r\n`,
      'UNSUPPORTED',
      'more than 16384 bytes of headers',
    ],
    [
      'another protocol',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'UNAVAILABLE',
      '',
    ],
  ])('with %s is refused', async (_, head, code, message) => {
    await using server = await TestServer.start((__, response) => void response.socket?.write(head));
    expect(
      await refusalOf(fetched(sourceWith({ limits: { attempts: 2 } }).source, server.url())),
    ).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it.each(['gzip', 'x-gzip', 'br', 'identity, gzip'])(
    'and sends %s although nobody asked is refused',
    async (coding) => {
      await using server = await TestServer.start(
        (_, response) => void response.writeHead(200, { 'content-encoding': coding }).end(bytes),
      );
      expect(await refusalOf(fetched(sourceWith().source, server.url()))).toMatchObject({
        code: 'UNSUPPORTED',
        message: `${server.url()} comes encoded as "${coding}", which nobody asked for`,
      });
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );

  it('may call no encoding by its name', async () => {
    await using server = await TestServer.start(
      (_, response) =>
        void response
          .writeHead(200, { 'content-encoding': 'Identity', 'content-length': bytes.length })
          .end(bytes),
    );
    expect((await fetched(sourceWith().source, server.url())).equals(bytes)).toBe(true);
  });
});

describe('a file that is too large', () => {
  const maxBytes = 2 * MIB;

  it('is refused by what the server says of it, before a byte is read', async () => {
    await using server = await TestServer.start((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length }).write('a byte, and no end');
    });
    const { source } = sourceWith({ maxBytes });
    expect(await refusalOf(source.open(server.url(), { signal }))).toMatchObject({
      code: 'INVALID',
      message: `${server.url()} has ${bytes.length} bytes, more than the ${maxBytes} that may be fetched`,
      hint: '`web_download.max_bytes` in the configuration is the limit',
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('is refused while it is read when the server does not say', async () => {
    const served = new ServedFile(bytes);
    served.chunked = true;
    await using server = await TestServer.start(served.listener);
    let length = 0;
    using file = await sourceWith({ maxBytes }).source.open(server.url(), { signal });
    const read = async () => {
      for await (const piece of file.bytes) length += piece.length;
    };
    expect(await refusalOf(read())).toMatchObject({
      code: 'INVALID',
      message: `${server.url()} has more than ${maxBytes} bytes, which is the most that may be fetched`,
    });
    expect(length).toBeLessThanOrEqual(maxBytes);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('of exactly the limit is not', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener);
    expect(await fetched(sourceWith({ maxBytes: bytes.length }).source, server.url())).toHaveLength(
      bytes.length,
    );
  });
});

describe('the status', () => {
  it.each([
    [204, 'UNSUPPORTED'],
    [206, 'UNSUPPORTED'],
    [300, 'UNSUPPORTED'],
    [400, 'UNSUPPORTED'],
    [401, 'FORBIDDEN'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [407, 'FORBIDDEN'],
    [410, 'NOT_FOUND'],
    [416, 'UNSUPPORTED'],
  ])('%i is final', async (status, code) => {
    await using server = await TestServer.start((_, response) => void response.writeHead(status).end());
    const { source, clock } = sourceWith();
    expect(await refusalOf(fetched(source, server.url()))).toMatchObject({
      code,
      message: expect.stringContaining(`(${status})`) as string,
      hint: expect.any(String) as string,
    });
    expect([server.asked.length, clock.sleptMs]).toEqual([1, []]);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it.each([
    [408, 'UNAVAILABLE'],
    [425, 'UNAVAILABLE'],
    [429, 'RATE_LIMITED'],
    [500, 'UNAVAILABLE'],
    [502, 'UNAVAILABLE'],
    [503, 'UNAVAILABLE'],
    [599, 'UNAVAILABLE'],
  ])('%i may pass, and is asked again', async (status, code) => {
    const served = new ServedFile(bytes);
    let bad = 2;
    await using server = await TestServer.start((request, response) => {
      if (bad-- > 0) response.writeHead(status, { 'content-length': 99 }).write('later, and no end');
      else served.listener(request, response);
    });
    const { source, clock } = sourceWith({ limits: { attempts: 4 } });
    expect((await fetched(source, server.url())).equals(bytes)).toBe(true);
    expect(clock.sleptMs).toEqual([375, 750]);
    await expect.poll(() => server.sockets.size).toBe(0);
    bad = 10;
    expect(await refusalOf(fetched(source, server.url()))).toMatchObject({
      code,
      message: `${server.url()}: the server answers ${status}; given up after 4 attempts`,
    });
  });
});
