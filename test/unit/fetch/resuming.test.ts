import { describe, expect, it } from 'vitest';
import type { OpenOptions } from '../../../src/fetch/http-source.ts';
import { fetched, MIB, refusalOf, ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { serverTls } from './server-certificate.ts';

const bytes = sampleBytes(3 * MIB + 5);
const tls = await serverTls(['127.0.0.1']);
const signal = new AbortController().signal;

/** Long before any answer. */
const LONG_AGO = 'Sun, 01 Feb 2026 10:00:00 GMT';

describe('a file', () => {
  it('comes with what the server says of it', async () => {
    const served = new ServedFile(bytes);
    served.lastModified = LONG_AGO;
    await using server = await TestServer.start(served.listener);
    using file = await sourceWith({ userAgent: 'entrepot/9' }).source.open(server.url('/a?b=c'), { signal });
    expect(file).toMatchObject({
      sizeBytes: bytes.length,
      version: { sizeBytes: bytes.length, etag: '"v1"', lastModified: LONG_AGO, validator: '"v1"' },
    });
    expect(server.asked).toMatchObject([
      {
        url: '/a?b=c',
        headers: { 'accept-encoding': 'identity', 'user-agent': 'entrepot/9', connection: 'close' },
      },
    ]);
    expect(server.asked[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each([0, 1, 65_536, 65_537])('of %i bytes is whole', async (size) => {
    const served = new ServedFile(bytes.subarray(0, size));
    await using server = await TestServer.start(served.listener);
    const { source } = sourceWith();
    expect(await fetched(source, server.url())).toEqual(served.bytes);
    served.chunked = true;
    expect(await fetched(source, server.url())).toEqual(served.bytes);
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});

describe('a broken connection', () => {
  it.each<[string, Partial<ServedFile>, boolean]>([
    ['by its ETag', {}, false],
    ['by its ETag, over TLS', {}, true],
    ['by its time', { etag: undefined, lastModified: LONG_AGO }, false],
    ['by its time, where the ETag is weak', { etag: 'W/"v1"', lastModified: LONG_AGO }, false],
    ['without a length', { chunked: true }, false],
    ['where ranges are not announced', { acceptRanges: '' }, false],
  ])('is resumed, with no byte fetched twice: %s', async (_, how, isTls) => {
    const served = Object.assign(new ServedFile(bytes), how);
    const cuts = [1, 70_000, 1_000_000, 0, 65_536];
    served.cuts.push(...cuts);
    await using server = await TestServer.start(served.listener, isTls ? { tls } : {});
    const { source, clock } = sourceWith({ caPem: tls.caPem });
    const got = await fetched(source, server.url());
    expect(got.equals(bytes)).toBe(true);
    expect(served.sentBytes).toBe(bytes.length);
    expect(clock.sleptMs).toHaveLength(cuts.length);
    let from = 0;
    const ranges = cuts.map((cut) => {
      from += cut;
      return `bytes=${from}-`;
    });
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, ...ranges]);
    const validator = how.lastModified ?? '"v1"';
    expect(server.asked.slice(1).map(({ headers }) => headers['if-range'])).toEqual(
      ranges.map(() => validator),
    );
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('by a reset is resumed as well', async () => {
    const served = new ServedFile(bytes);
    served.resets = true;
    served.cuts.push(1_000_000, 500_000);
    await using server = await TestServer.start(served.listener);
    expect((await fetched(sourceWith().source, server.url())).equals(bytes)).toBe(true);
  });

  it('right before the word that the file ends is seen for what it is', async () => {
    const served = new ServedFile(bytes);
    served.chunked = true;
    served.cuts.push(bytes.length);
    await using server = await TestServer.start(served.listener);
    expect((await fetched(sourceWith().source, server.url())).equals(bytes)).toBe(true);
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${bytes.length}-`]);
  });

  it('before the first byte needs nothing to resume by', async () => {
    const served = new ServedFile(bytes);
    served.etag = undefined;
    served.cuts.push(0, 0);
    await using server = await TestServer.start(served.listener);
    expect((await fetched(sourceWith().source, server.url())).equals(bytes)).toBe(true);
  });

  it.each<[string, Partial<ServedFile>]>([
    ['no ETag and no time', { etag: undefined }],
    ['a weak ETag', { etag: 'W/"v1"' }],
    [
      'a time that is not settled',
      { etag: undefined, lastModified: new Date(Date.now() + 3_600_000).toUTCString() },
    ],
    ['the word that it takes no ranges', { acceptRanges: 'none' }],
    ['the whole file in place of a range', { takesRanges: false }],
  ])('cannot be resumed with %s', async (_, how) => {
    const served = Object.assign(new ServedFile(bytes), how);
    served.cuts.push(1_000_000);
    await using server = await TestServer.start(served.listener);
    expect(await refusalOf(fetched(sourceWith().source, server.url()))).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('cannot be resumed') as string,
      hint: expect.stringContaining('begin anew') as string,
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('each byte that comes gives it all attempts anew', async () => {
    const served = new ServedFile(bytes);
    // Of three attempts, two in a row bring nothing, again and again.
    served.cuts.push(10, 0, 10, 0, 10, 0, 10, 0);
    await using server = await TestServer.start(served.listener);
    const { source } = sourceWith({ limits: { attempts: 3 } });
    expect((await fetched(source, server.url())).equals(bytes)).toBe(true);
    served.cuts.push(10, 0, 0, 0);
    expect(await refusalOf(fetched(source, server.url()))).toMatchObject({
      code: 'UNAVAILABLE',
      message: `${server.url()}: the connection broke off; given up after 3 attempts`,
    });
  });

  it('is resumed where the bytes came from, and where it began when that place is gone', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(1000, 1000, 1000);
    let mirror = 1;
    let isGone = false;
    await using server = await TestServer.start((request, response) => {
      if (request.url === '/start') response.writeHead(302, { location: `/mirror${mirror}` }).end();
      else if (isGone && request.url === '/mirror1') response.writeHead(403).end();
      else served.listener(request, response);
      if (served.cuts.length === 1) {
        isGone = true;
        mirror = 2;
      }
    });
    expect((await fetched(sourceWith().source, server.url('/start'))).equals(bytes)).toBe(true);
    expect(server.asked.map(({ url }) => url)).toEqual([
      '/start',
      '/mirror1',
      '/mirror1',
      '/mirror1',
      '/start',
      '/mirror2',
      '/mirror2',
    ]);
  });
});

describe('a reading of an earlier time', () => {
  const version = { sizeBytes: bytes.length, etag: '"v1"', validator: '"v1"' };
  const resuming = (fromByte: number, also: object = {}): Partial<OpenOptions> => ({
    resume: { fromByte, version: { ...version, ...also } },
  });

  it('goes on after the bytes that are there', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(1000);
    await using server = await TestServer.start(served.listener);
    const got = await fetched(sourceWith().source, server.url(), resuming(2 * MIB));
    expect(got.equals(bytes.subarray(2 * MIB))).toBe(true);
    expect(served.sentBytes).toBe(bytes.length - 2 * MIB);
  });

  it('that had come to the end asks for nothing', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener);
    expect(await fetched(sourceWith().source, server.url(), resuming(bytes.length))).toHaveLength(0);
    expect(server.accepted).toBe(0);
  });

  it.each([
    ['whose ETag was another', resuming(1000, { etag: '"v0"', validator: '"v0"' }), 'CONFLICT'],
    ['whose size was another', resuming(1000, { sizeBytes: 5000 }), 'CONFLICT'],
    ['that had nothing to resume by', resuming(1000, { validator: undefined }), 'CONFLICT'],
  ])('is refused for a file %s', async (_, options, code) => {
    const served = new ServedFile(bytes);
    await using server = await TestServer.start(served.listener);
    expect(await refusalOf(fetched(sourceWith().source, server.url(), options))).toMatchObject({ code });
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});
