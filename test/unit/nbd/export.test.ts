import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { MAX_HELD_BYTES, NbdExport } from '../../../src/nbd/export.ts';
import { Command, MAX_PAYLOAD_BYTES, Option } from '../../../src/nbd/protocol.ts';
import { MAX_IN_FLIGHT, type NbdSink } from '../../../src/nbd/transmission.ts';
import { MemorySink } from './memory-sink.ts';
import { NbdClient, option, request, type Told } from './nbd-client.ts';

const SIZE_BYTES = 100_000;
const { READ, WRITE, DISC, FLUSH, TRIM, WRITE_ZEROES } = Command;
const EIO = 5;
const EINVAL = 22;
const ENOSPC = 28;

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-nbd-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function offered(sink: NbdSink = new MemorySink(SIZE_BYTES), sizeBytes = SIZE_BYTES) {
  count += 1;
  const socketPath = join(folder, `${count}.nbd`);
  const nbdExport = new NbdExport({ socketPath, sizeBytes, sink });
  await nbdExport.listen();
  return { nbdExport, socketPath };
}

describe('an export', () => {
  it('takes writes, gives them back, and is done when the client has taken its leave', async () => {
    const sink = new MemorySink(SIZE_BYTES);
    const { nbdExport, socketPath } = await offered(sink);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    {
      await using client = await NbdClient.ready(socketPath);
      const data = Buffer.from('data');
      const errnoOf = async (told: Told, ...payload: Uint8Array[]) => {
        client.say(request(told), ...payload);
        return (await client.errno()).errno;
      };
      expect(await errnoOf({ command: WRITE, offset: 99_996n, length: 4 }, data)).toBe(0);
      expect(await errnoOf({ command: WRITE, offset: 7n, length: 4 }, data)).toBe(0);
      expect(await errnoOf({ command: WRITE_ZEROES, offset: 9n, length: 2, flags: 2 })).toBe(0);
      expect(await errnoOf({ command: TRIM, offset: 0n, length: 100 })).toBe(0);
      expect(await errnoOf({ command: FLUSH })).toBe(0);
      expect(await errnoOf({ command: READ, offset: 6n, length: 6 })).toBe(0);
      expect((await client.take(6)).toString('latin1')).toBe('\0da\0\0\0');
      client.say(request({ command: DISC }));
    }
    await nbdExport.finish();
    expect(sink.bytes.subarray(99_996).toString()).toBe('data');
    expect(sink.flushes).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  it('answers the older ways to agree on it', async () => {
    const { nbdExport, socketPath } = await offered();
    await using client = await NbdClient.connect(socketPath);
    await client.take(18);
    client.say(Buffer.from([0, 0, 0, 1]), option(8, Buffer.alloc(0)), option(Option.LIST, Buffer.alloc(0)));
    // Structured replies: unsupported. The list: one export without a name, and an end.
    expect((await client.take(20)).readUInt32BE(12)).toBe(0x8000_0001);
    expect((await client.take(24)).readUInt32BE(12)).toBe(2);
    expect((await client.take(20)).readUInt32BE(12)).toBe(1);
    client.say(option(Option.EXPORT_NAME, Buffer.alloc(0)), request({ command: DISC }));
    const answer = await client.take(134);
    expect(answer.readBigUInt64BE(0)).toBe(BigInt(SIZE_BYTES));
    expect(answer.subarray(10)).toEqual(Buffer.alloc(124));
    await nbdExport.finish();
  });

  it('has no place for a second client', async () => {
    const { nbdExport, socketPath } = await offered();
    await using first = await NbdClient.ready(socketPath);
    await expect(NbdClient.connect(socketPath)).rejects.toThrow();
    first.say(request({ command: DISC }));
    await nbdExport.finish();
  });

  it('refuses what lies beyond its end, and goes on', async () => {
    const sink = new MemorySink(SIZE_BYTES);
    const { nbdExport, socketPath } = await offered(sink);
    await using client = await NbdClient.ready(socketPath);
    const end = BigInt(SIZE_BYTES);
    client.say(request({ command: WRITE, offset: end - 3n, length: 4, cookie: 1n }), Buffer.alloc(4));
    client.say(request({ command: READ, offset: 2n ** 64n - 1n, length: 4, cookie: 2n }));
    client.say(request({ command: WRITE_ZEROES, offset: 0n, length: 0xffff_ffff, cookie: 3n }));
    client.say(request({ command: READ, offset: 0n, length: 0xffff_ffff, cookie: 4n }));
    client.say(request({ command: WRITE, offset: 0n, length: 1, cookie: 5n, flags: 1 }), Buffer.alloc(1));
    const replies = [];
    for (let n = 0; n < 5; n += 1) replies.push(await client.errno());
    expect(replies).toEqual([1n, 2n, 3n, 4n, 5n].map((cookie) => ({ cookie, errno: EINVAL })));
    expect(sink.written).toEqual([]);
    client.say(request({ command: DISC }));
    await nbdExport.finish();
  });

  it('tells the client of an error of the sink, and its owner which one came first', async () => {
    const errors = [new Refusal('NO_SPACE', 'the pool is full'), new Refusal('UNAVAILABLE', 'away')];
    const sink = new MemorySink(SIZE_BYTES);
    sink.write = () => Promise.reject(errors.shift());
    const { nbdExport, socketPath } = await offered(sink);
    const [full] = errors;
    await using client = await NbdClient.ready(socketPath);
    for (const errno of [ENOSPC, EIO]) {
      client.say(request({ command: WRITE, length: 1 }), Buffer.alloc(1));
      expect((await client.errno()).errno).toBe(errno);
    }
    client.say(request({ command: DISC }));
    await expect(nbdExport.finish()).rejects.toBe(full);
    expect(nbdExport.failure).toBe(full);
  });

  it('reads no further than it may have under way', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let running = 0;
    const sink = new MemorySink(MAX_PAYLOAD_BYTES);
    sink.write = async () => {
      running += 1;
      await gate;
    };
    const { nbdExport, socketPath } = await offered(sink, MAX_PAYLOAD_BYTES);
    await using client = await NbdClient.ready(socketPath);
    const write = request({ command: WRITE, length: MAX_PAYLOAD_BYTES });
    const payload = Buffer.alloc(MAX_PAYLOAD_BYTES);
    for (let n = 0; n < 2 * MAX_IN_FLIGHT; n += 1) client.say(write, payload);
    await vi.waitFor(() => expect(running).toBe(MAX_IN_FLIGHT), { timeout: 10_000 });
    await delay(100);
    expect(running).toBe(MAX_IN_FLIGHT);
    expect(client.sentBytes).toBeLessThan(MAX_HELD_BYTES);
    release();
    for (let n = 0; n < 2 * MAX_IN_FLIGHT; n += 1) expect((await client.errno()).errno).toBe(0);
    client.say(request({ command: DISC }));
    await nbdExport.finish();
  });

  it('does not take a client that vanished for one that was done', async () => {
    const { nbdExport, socketPath } = await offered();
    {
      await using client = await NbdClient.ready(socketPath);
      client.say(request({ command: WRITE, length: 4 }), Buffer.alloc(2));
    }
    await expect(nbdExport.finish()).rejects.toMatchObject({ code: 'INTERNAL' });
    const { nbdExport: unused } = await offered();
    await expect(unused.finish()).rejects.toMatchObject({ code: 'INTERNAL' });
    await unused.close();
  });

  it('is closed only when the sink is left alone', async () => {
    let release = () => {};
    const sink = new MemorySink(SIZE_BYTES);
    const begun = Promise.withResolvers<void>();
    sink.write = async () => {
      begun.resolve();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const { nbdExport, socketPath } = await offered(sink);
    await using client = await NbdClient.ready(socketPath);
    client.say(request({ command: WRITE, length: 1 }), Buffer.alloc(1));
    await begun.promise;
    let closed = false;
    const closing = nbdExport.close().then(() => {
      closed = true;
    });
    await delay(20);
    expect(closed).toBe(false);
    release();
    await closing;
  });

  it('says which path is too long for a socket', async () => {
    const socketPath = join(folder, 'x'.repeat(120));
    const nbdExport = new NbdExport({ socketPath, sizeBytes: 1, sink: new MemorySink(1) });
    await expect(nbdExport.listen()).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('a client that does not keep to the protocol', () => {
  const flags = Buffer.from([0, 0, 0, 3]);
  it.each([
    ['flags that were not offered', [Buffer.from([0, 0, 0, 7])]],
    ['no option where one should be', [flags, Buffer.alloc(16)]],
    ['an option that is endless', [flags, option(7, Buffer.alloc(0)).fill(0xff, 12)]],
    ['a name that is not there', [flags, option(Option.EXPORT_NAME, Buffer.from('x'))]],
    ['options without end', [flags, ...Array.from({ length: 70 }, () => option(99, Buffer.alloc(0)))]],
    ['no request where one should be', [flags, option(7, Buffer.alloc(6)), Buffer.alloc(28)]],
    ['too long a write', [flags, option(7, Buffer.alloc(6)), request({ command: WRITE, length: 4194305 })]],
    ['an unknown command', [flags, option(7, Buffer.alloc(6)), request({ command: 7 })]],
  ])('is hung up on, and its owner told: %s', async (_name, said) => {
    const { nbdExport, socketPath } = await offered();
    await using client = await NbdClient.connect(socketPath);
    client.say(...said);
    await client.take(Number.POSITIVE_INFINITY);
    await expect(nbdExport.finish()).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('does not keep to the protocol'),
    });
  });

  it('gets no further with any bytes than to be hung up on', async () => {
    const commands = fc.record({
      command: fc.integer({ min: 0, max: 8 }),
      offset: fc.oneof(fc.bigInt(0n, BigInt(SIZE_BYTES)), fc.bigInt(0n, 2n ** 64n - 1n)),
      length: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 0xffff_ffff })),
      flags: fc.integer({ min: 0, max: 3 }),
    });
    const bytes = fc.uint8Array({ maxLength: 200 });
    const piece = fc.oneof(
      bytes,
      commands.map(request),
      fc.tuple(fc.integer({ min: 0, max: 12 }), bytes).map(([number, data]) => option(number, data)),
      fc.constant(Buffer.from([0, 0, 0, 3])),
    );
    const begins = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from([0, 0, 0, 3]),
      Buffer.concat([Buffer.from([0, 0, 0, 3]), option(7, Buffer.alloc(6))]),
    );
    await fc.assert(
      fc.asyncProperty(begins, fc.array(piece, { maxLength: 12 }), async (begin, pieces) => {
        const sink = new MemorySink(SIZE_BYTES);
        const { nbdExport, socketPath } = await offered(sink);
        {
          await using client = await NbdClient.connect(socketPath);
          client.say(begin, ...pieces);
        }
        const outcome = await nbdExport.finish().catch((error: unknown) => error);
        expect(outcome === undefined || outcome instanceof Refusal).toBe(true);
        // What was sound was kept inside, or the sink would have thrown.
        if (outcome instanceof Refusal) expect(['INVALID', 'INTERNAL']).toContain(outcome.code);
        for (const { offset, length } of sink.written)
          expect(offset + length).toBeLessThanOrEqual(SIZE_BYTES);
      }),
      { numRuns: 300 },
    );
  });
});
