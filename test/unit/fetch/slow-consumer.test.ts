import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { MIB, sourceWith, TestServer } from './http-bench.ts';

const PIECES = 400;

it('a slow consumer has the server wait, and no more in memory than the buffers of one connection', async () => {
  const piece = Buffer.alloc(MIB, 7);
  let written = 0;
  const write = async (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': PIECES * MIB });
    for (; written < PIECES; written++) if (!response.write(piece)) await once(response, 'drain');
  };
  await using server = await TestServer.start((_, response) => void write(response).catch(() => {}));
  const { source } = sourceWith({ maxBytes: PIECES * MIB });
  const beforeBytes = await bufferBytes();
  using file = await source.open(server.url(), { signal: new AbortController().signal });
  const iterator = file.bytes[Symbol.asyncIterator]();
  await iterator.next();
  // As long as the kernel takes what nobody reads.
  for (let before = -1; before !== written; ) {
    before = written;
    await delay(200);
  }
  // The kernel's buffers of both sides.
  expect(written).toBeLessThan(PIECES / 8);
  const heldBytes = (await bufferBytes()) - beforeBytes;
  // That anything is held shows that it is seen.
  expect(heldBytes).toBeGreaterThan(16 * 1024);
  expect(heldBytes).toBeLessThan(512 * 1024);
});

/** What buffers take when all that nobody uses is gone. */
async function bufferBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    collect();
    await delay(20);
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers >= before) return arrayBuffers;
    before = arrayBuffers;
  }
}
