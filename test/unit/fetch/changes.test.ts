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

/** Long before any answer. */
const LONG_AGO = 'Sun, 01 Feb 2026 10:00:00 GMT';

describe('a file that changes while it is read', () => {
  it.each<[string, Partial<ServedFile>, Partial<ServedFile>]>([
    ['by its ETag', {}, { etag: '"v2"' }],
    [
      'by its time',
      { etag: undefined, lastModified: LONG_AGO },
      { lastModified: 'Sun, 01 Feb 2026 11:00:00 GMT' },
    ],
    ['losing its ETag', {}, { etag: undefined }],
  ])('is refused: %s', async (_, first, then) => {
    const served = Object.assign(new ServedFile(bytes), first);
    served.cuts.push(1_000_000);
    served.onRequest = ({ headers }) => {
      if (headers.range !== undefined) Object.assign(served, then, { bytes: bytes.toReversed() });
    };
    await using server = await TestServer.start(served.listener);
    expect(await refusalOf(fetched(sourceWith().source, server.url()))).toMatchObject({
      code: 'CONFLICT',
      message: `${server.url()} changed while it was read`,
    });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('is refused also before its first byte, as its size was told', async () => {
    const served = new ServedFile(bytes);
    served.cuts.push(0);
    await using server = await TestServer.start(served.listener);
    using file = await sourceWith().source.open(server.url(), { signal });
    served.bytes = bytes.subarray(1);
    served.etag = undefined;
    expect(await refusalOf(allOf(file.bytes))).toMatchObject({ code: 'CONFLICT' });
  });

  const length = bytes.length;
  it.each<[string, string, number, object]>([
    [
      'another ETag',
      'CONFLICT',
      206,
      { 'content-range': `bytes 1000-${length - 1}/${length}`, etag: '"v2"' },
    ],
    [
      'the same ETag, weak',
      'CONFLICT',
      206,
      { 'content-range': `bytes 1000-${length - 1}/${length}`, etag: 'W/"v1"' },
    ],
    ['no ETag', 'CONFLICT', 206, { 'content-range': `bytes 1000-${length - 1}/${length}` }],
    [
      'another total',
      'CONFLICT',
      206,
      { 'content-range': `bytes 1000-${length}/${length + 1}`, etag: '"v1"' },
    ],
    [
      'another beginning',
      'UNSUPPORTED',
      206,
      { 'content-range': `bytes 999-${length - 1}/${length}`, etag: '"v1"' },
    ],
    ['no range', 'UNSUPPORTED', 206, { etag: '"v1"' }],
    ['an unknown total', 'UNSUPPORTED', 206, { 'content-range': `bytes 1000-${length - 1}/*`, etag: '"v1"' }],
    [
      'an end before its beginning',
      'UNSUPPORTED',
      206,
      { 'content-range': `bytes 1000-999/${length}`, etag: '"v1"' },
    ],
    [
      'another length',
      'UNSUPPORTED',
      206,
      { 'content-range': `bytes 1000-${length - 1}/${length}`, 'content-length': 7, etag: '"v1"' },
    ],
    ['nothing left', 'CONFLICT', 416, { 'content-range': 'bytes */500' }],
    ['nothing left, by its own size', 'CONFLICT', 416, { 'content-range': 'bytes */1000' }],
    ['nothing left, of no size', 'CONFLICT', 416, {}],
  ])('is refused when the answer to a range has %s', async (_, code, status, headers) => {
    await using server = await TestServer.start(
      thenAnswering(new ServedFile(bytes), (response) => {
        response.on('error', () => {});
        response.writeHead(status, headers as never).flushHeaders();
        response.write(bytes.subarray(0, 7));
      }),
    );
    expect(await refusalOf(fetched(sourceWith().source, server.url()))).toMatchObject({ code });
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('a part that ends before the file does is gone on from', async () => {
    await using server = await TestServer.start((request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      if (Number.isNaN(from)) {
        response
          .writeHead(200, { 'content-length': length, etag: '"v1"' })
          .write(bytes.subarray(0, 5), () => response.destroy());
        return;
      }
      const part = bytes.subarray(from, from + MIB);
      response
        .writeHead(206, {
          'content-range': `bytes ${from}-${from + part.length - 1}/${length}`,
          etag: '"v1"',
        })
        .end(part);
    });
    expect((await fetched(sourceWith().source, server.url())).equals(bytes)).toBe(true);
    expect(server.asked).toHaveLength(4);
  });
});

it('a file whose last byte has come is whole, also when the word for it does not come', async () => {
  await using server = await TestServer.start(
    thenAnswering(new ServedFile(bytes), (response) => {
      const contentRange = `bytes 1000-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, {
        'content-range': contentRange,
        etag: '"v1"',
        'transfer-encoding': 'chunked',
      });
      response.write(bytes.subarray(1000), () => response.destroy());
    }),
  );
  const { source, clock } = sourceWith();
  expect((await fetched(source, server.url())).equals(bytes)).toBe(true);
  expect(clock.sleptMs).toHaveLength(1);
});

async function allOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
