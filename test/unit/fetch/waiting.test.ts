import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../../src/domain/refusal.ts';
import type { FetchLimits } from '../../../src/fetch/limits.ts';
import { fetched, MIB, refusalOf, ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { muteServer } from './mute-server.ts';

const bytes = sampleBytes(MIB);
const never = new AbortController().signal;

describe('the time between attempts', () => {
  const limits: Partial<FetchLimits> = {
    attempts: 6,
    firstDelayMs: 1000,
    maxDelayMs: 5000,
    maxRetryAfterMs: 60_000,
  };

  it.each([
    [0, [500, 1000, 2000, 2500, 2500]],
    [0.999_999, [1000, 2000, 4000, 5000, 5000]],
  ])('doubles up to its ceiling, half of it by chance (%d)', async (chance, expected) => {
    await using server = await TestServer.start((_, response) => void response.writeHead(500).end());
    const { source, clock } = sourceWith({ limits, random: () => chance });
    const told: [string, number][] = [];
    await fetched(source, server.url(), {
      onRetry: ({ code }, ms) => told.push([code, Math.round(ms)]),
    }).catch(() => {});
    expect(clock.sleptMs.map(Math.round)).toEqual(expected);
    expect(told).toEqual(expected.map((ms) => ['UNAVAILABLE', ms]));
  });

  it.each([
    ['7', 7000],
    ['0', 500],
    ['100000', 60_000],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 13:00:00 GMT', 60_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 500],
    ['soon', 500],
    ['-5', 500],
  ])('is what the server asks for, within bounds: Retry-After: %s', async (header, expectedMs) => {
    const served = new ServedFile(bytes);
    let bad = 1;
    await using server = await TestServer.start((request, response) => {
      if (bad-- > 0) response.writeHead(503, { 'retry-after': header }).end();
      else served.listener(request, response);
    });
    const { source, clock } = sourceWith({ limits, random: () => 0 });
    await fetched(source, server.url());
    expect(clock.sleptMs).toEqual([expectedMs]);
  });
});

describe('a server that keeps silent', () => {
  it('when it is called is given up', async () => {
    const { source } = sourceWith({
      limits: { attempts: 2, connectMs: 100 },
      resolve: () => new Promise(() => {}),
    });
    expect(await refusalOf(fetched(source, 'http://images.test/a'))).toMatchObject({
      code: 'TIMEOUT',
      message: 'http://images.test/a: no connection was made within 0.1 s; given up after 2 attempts',
    });
  });

  it('while TLS is made is given up', async () => {
    await using mute = await muteServer();
    const { source } = sourceWith({ limits: { attempts: 1, connectMs: 100 } });
    expect(await refusalOf(fetched(source, `https://127.0.0.1:${mute.port}/`))).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('no connection was made') as string,
    });
    await expect.poll(() => mute.sockets.size).toBe(0);
  });

  it.each([
    ['in place of an answer', ''],
    ['in the middle of the headers', 'HTTP/1.1 200 OK\r\nContent-'],
    ['after many words that are no answer', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)],
  ])('%s is asked again', async (_, words) => {
    const served = new ServedFile(bytes);
    let bad = 1;
    await using server = await TestServer.start((request, response) => {
      if (bad-- > 0) response.socket?.write(words);
      else served.listener(request, response);
    });
    const { source, clock } = sourceWith({ limits: { headersMs: 150 } });
    expect((await fetched(source, server.url())).equals(bytes)).toBe(true);
    expect(clock.sleptMs).toHaveLength(1);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('in the middle of the file is called again, and goes on where it was', async () => {
    const served = new ServedFile(bytes);
    let count = 0;
    await using server = await TestServer.start((request, response) => {
      if (count++ > 0) return served.listener(request, response);
      response
        .writeHead(200, { 'content-length': bytes.length, etag: '"v1"' })
        .write(bytes.subarray(0, 300_000));
    });
    const { source } = sourceWith({ limits: { stallMs: 150 } });
    const reasons: Refusal[] = [];
    const got = await fetched(source, server.url(), { onRetry: (reason) => reasons.push(reason) });
    expect(got.equals(bytes)).toBe(true);
    expect(served.sentBytes).toBe(bytes.length - 300_000);
    expect(reasons).toMatchObject([
      { code: 'TIMEOUT', message: `${server.url()}: nothing more came within 0.15 s` },
    ]);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('is not one that waits for a slow consumer', async () => {
    const large = sampleBytes(24 * MIB);
    await using server = await TestServer.start(new ServedFile(large).listener);
    const { source, clock } = sourceWith({ limits: { stallMs: 400 } });
    using file = await source.open(server.url(), { signal: never });
    let length = 0;
    for await (const piece of file.bytes) {
      if (length === 0) await delay(1600);
      length += piece.length;
    }
    expect([length, clock.sleptMs]).toEqual([large.length, []]);
  });
});
