import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ServedFile, sampleBytes, sourceWith, TestServer } from './http-bench.ts';
import { serverTls } from './server-certificate.ts';

const MAX_BYTES = 400_000;
const bytes = sampleBytes(MAX_BYTES);
const tls = await serverTls(['127.0.0.1']);

const ways = fc.record({
  sizeBytes: fc.integer({ min: 0, max: MAX_BYTES }),
  /** Of each answer, the bytes that come of it; beyond the end: the connection ends where it should, or just after. */
  cuts: fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: MAX_BYTES })), {
    maxLength: 8,
  }),
  chunked: fc.boolean(),
  byTime: fc.boolean(),
  connection: fc.constantFrom('plain', 'TLS', 'reset' as const),
  /** Of the consumer, at pieces in turn, in ms; 0: a turn of the event loop. */
  restsMs: fc.array(fc.constantFrom(undefined, undefined, 0, 3), { minLength: 1, maxLength: 4 }),
});

test('cut anywhere, any number of times, the bytes are those of the file, and none is sent twice', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(ways, async ({ sizeBytes, cuts, chunked, byTime, connection, restsMs }) => {
      const served = new ServedFile(bytes.subarray(0, sizeBytes));
      Object.assign(served, { chunked, resets: connection === 'reset' });
      if (byTime) Object.assign(served, { etag: undefined, lastModified: 'Sun, 01 Feb 2026 10:00:00 GMT' });
      served.cuts.push(...cuts);
      await using server = await TestServer.start(served.listener, connection === 'TLS' ? { tls } : {});
      const { source } = sourceWith({ limits: { attempts: cuts.length + 1 }, caPem: tls.caPem });
      using file = await source.open(server.url(), { signal: new AbortController().signal });
      const pieces: Buffer[] = [];
      for await (const piece of file.bytes) {
        const restMs = restsMs[pieces.length % restsMs.length];
        pieces.push(piece);
        if (restMs === 0) await turn();
        else if (restMs !== undefined) await delay(restMs);
      }
      expect(Buffer.concat(pieces).equals(served.bytes)).toBe(true);
      // A reset takes with it what the kernel still had.
      if (connection !== 'reset') expect(served.sentBytes).toBe(sizeBytes);
      await expect.poll(() => server.sockets.size).toBe(0);
    }),
    { numRuns: 150 },
  );
});
