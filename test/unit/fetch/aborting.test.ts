import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { fetched, MIB, refusalOf, ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { muteServer } from './mute-server.ts';

const bytes = sampleBytes(MIB);
const never = new AbortController().signal;

describe('a signal', () => {
  const reason = new Refusal('CANCELLED', 'the job was cancelled');
  const hangs = new Promise<never>(() => {});

  it('that has aborted before lets nothing happen', async () => {
    await using server = await TestServer.start(new ServedFile(bytes).listener);
    const signal = AbortSignal.abort(reason);
    expect(await refusalOf(sourceWith().source.open(server.url(), { signal }))).toBe(reason);
    expect(server.accepted).toBe(0);
  });

  it('ends the looking up of a name', async () => {
    const aborter = new AbortController();
    const { source } = sourceWith({ resolve: () => hangs });
    const opening = refusalOf(source.open('http://images.test/', { signal: aborter.signal }));
    aborter.abort(reason);
    expect(await opening).toBe(reason);
  });

  it('ends the making of TLS', async () => {
    await using mute = await muteServer();
    const aborter = new AbortController();
    const opening = refusalOf(
      sourceWith().source.open(`https://127.0.0.1:${mute.port}/`, { signal: aborter.signal }),
    );
    await expect.poll(() => mute.sockets.size).toBe(1);
    aborter.abort(reason);
    expect(await opening).toBe(reason);
    await expect.poll(() => mute.sockets.size).toBe(0);
  });

  it('ends the waiting for an answer', async () => {
    await using server = await TestServer.start(() => {});
    const aborter = new AbortController();
    const opening = refusalOf(sourceWith().source.open(server.url(), { signal: aborter.signal }));
    await expect.poll(() => server.asked.length).toBe(1);
    aborter.abort(reason);
    expect(await opening).toBe(reason);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('ends the time between attempts', async () => {
    await using server = await TestServer.start((_, response) => void response.writeHead(503).end());
    const aborter = new AbortController();
    const clock = {
      epochMs: () => 0,
      sleep: (_: number, signal: AbortSignal) => delay(60_000, undefined, { signal }),
    };
    const { source } = sourceWith({ clock });
    const onRetry = () => void setImmediate(() => aborter.abort(reason));
    expect(await refusalOf(source.open(server.url(), { signal: aborter.signal, onRetry }))).toBe(reason);
  });

  it.each(['waits for the next bytes', 'holds the last ones'])(
    'ends the reading of one who %s',
    async (where) => {
      await using server = await TestServer.start((_, response) => {
        response.writeHead(200, { 'content-length': 2 * bytes.length, etag: '"v1"' }).write(bytes);
      });
      const aborter = new AbortController();
      using file = await sourceWith().source.open(server.url(), { signal: aborter.signal });
      let length = 0;
      const read = async () => {
        for await (const piece of file.bytes) {
          length += piece.length;
          if (length === piece.length && where === 'holds the last ones') aborter.abort(reason);
        }
      };
      const reading = refusalOf(read());
      if (where === 'waits for the next bytes') {
        await expect.poll(() => length).toBe(bytes.length);
        aborter.abort(reason);
      }
      expect(await reading).toBe(reason);
      await expect.poll(() => server.sockets.size).toBe(0);
    },
  );

  it('of no reason of ours is a cancellation', async () => {
    await using server = await TestServer.start(() => {});
    const aborter = new AbortController();
    const opening = refusalOf(sourceWith().source.open(server.url(), { signal: aborter.signal }));
    aborter.abort();
    expect(await opening).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('no connection is left', () => {
  /** As long as its consumer lets it. */
  const endless = () =>
    TestServer.start((_, response) => {
      response.writeHead(200, { 'content-length': 1000 * MIB, etag: '"v1"' });
      response.write(bytes);
    });

  it('by a consumer who stops', async () => {
    await using server = await endless();
    const file = await sourceWith({ maxBytes: 2000 * MIB }).source.open(server.url(), { signal: never });
    for await (const piece of file.bytes) if (piece.length > 0) break;
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('by one who never begins', async () => {
    await using server = await endless();
    {
      using file = await sourceWith({ maxBytes: 2000 * MIB }).source.open(server.url(), { signal: never });
      expect(file.sizeBytes).toBe(1000 * MIB);
    }
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('by one who disposes of it while bytes are awaited', async () => {
    await using server = await endless();
    const file = await sourceWith({ maxBytes: 2000 * MIB }).source.open(server.url(), { signal: never });
    let length = 0;
    const read = async () => {
      for await (const piece of file.bytes) length += piece.length;
    };
    const reading = refusalOf(read());
    await expect.poll(() => length).toBe(bytes.length);
    file[Symbol.dispose]();
    expect(await reading).toMatchObject({ code: 'CANCELLED' });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('by a server that keeps it open after the last byte', async () => {
    await using server = await TestServer.start((_, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello`);
    });
    expect((await fetched(sourceWith().source, server.url())).toString()).toBe('hello');
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});
