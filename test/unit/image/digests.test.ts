import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DigestPool, StreamDigest, ZEROS_PER_UPDATE } from '../../../src/image/digests.ts';
import { Hash } from '../../../src/image/openssl.ts';

function hash(algorithm: string, ...pieces: Uint8Array[]): Buffer {
  const digest = createHash(algorithm);
  for (const piece of pieces) digest.update(piece);
  return digest.digest();
}

describe('a digest pool', () => {
  test('gives the SHA-256 of each of many chunks asked for at once', async () => {
    await using pool = new DigestPool({ threads: 2 });
    const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1 + index * 5000, index));
    const digests = await Promise.all(chunks.map((chunk) => pool.sha256(chunk)));
    expect(digests).toEqual(chunks.map((chunk) => hash('sha256', chunk)));
  });

  test('of a view hashes the view, not the buffer under it', async () => {
    await using pool = new DigestPool({ threads: 1 });
    const whole = Buffer.from('beforeTHISafter');
    expect(await pool.sha256(whole.subarray(6, 10))).toEqual(hash('sha256', Buffer.from('THIS')));
  });

  test('refuses when it is stopped, and what it was asked before', async () => {
    const pool = new DigestPool({ threads: 1 });
    const asked = pool.sha256(Buffer.alloc(64 * 1024 * 1024));
    const stopped = pool[Symbol.asyncDispose]();
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
    await stopped;
    await expect(pool.sha256(Buffer.alloc(1))).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('gives that of a chunk however many zeros it begins with', async () => {
    await using pool = new DigestPool({ threads: 2 });
    const size = 5 * 1024 * 1024;
    const firsts = [0, 1, 65_535, 65_536, 65_537, 3 * 65_536, 4 * 1024 * 1024, size - 1, size];
    const chunks = firsts.map((first) => Buffer.alloc(size).fill('data', first));
    // Not the ends of data that begins with zeros, and nothing but zeros, of less than a block.
    chunks.push(Buffer.alloc(0), Buffer.alloc(70_000), Buffer.alloc(300));
    const digests = await Promise.all([...chunks, ...chunks].map((chunk) => pool.sha256(chunk)));
    const expected = chunks.map((chunk) => hash('sha256', chunk));
    expect(digests).toEqual([...expected, ...expected]);
  });

  test('works at no more chunks at once than it has threads, in the order they came', async () => {
    await using pool = new DigestPool({ threads: 1 });
    const done: number[] = [];
    const lengths = [4_000_000, 10, 3_000_000, 0, 2_000_000];
    await Promise.all(
      lengths.map(async (length) => {
        await pool.sha256(Buffer.alloc(length, 1));
        done.push(length);
      }),
    );
    expect(done).toEqual(lengths);
  });
});

describe('a hash', () => {
  test('that was disposed of is refused, and not handed to C', async () => {
    const ended = Hash.of('md5');
    ended[Symbol.dispose]();
    ended[Symbol.dispose]();
    await expect(ended.update(Buffer.from('x'))).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(() => ended.end()).toThrow(/disposed of/);
  });
});

describe('a stream digest', () => {
  test('of pieces and holes is that of the whole', async () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 5000 }), fc.nat(3_000_000));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.boolean(), async (pieces, waits) => {
        await using stream = new StreamDigest();
        const updates: Promise<void>[] = [];
        const whole: Uint8Array[] = [];
        const soFar: [told: Promise<string>, expected: string][] = [];
        for (const next of pieces) {
          whole.push(typeof next === 'number' ? Buffer.alloc(next) : next);
          const done = typeof next === 'number' ? stream.zeros(next) : stream.update(next);
          updates.push(done);
          if (waits || typeof next === 'number') await done;
          soFar.push([stream.sha512SoFar(), hash('sha512', ...whole).toString('hex')]);
        }
        await Promise.all(updates);
        for (const [told, expected] of soFar) expect(await told).toBe(expected);
        expect(await stream.finish()).toEqual({
          md5: hash('md5', ...whole).toString('hex'),
          sha512: hash('sha512', ...whole).toString('hex'),
        });
      }),
      { numRuns: 15 },
    );
  });

  test('of nothing is that of nothing', async () => {
    await using stream = new StreamDigest();
    expect((await stream.finish()).md5).toBe('d41d8cd98f00b204e9800998ecf8427e');
  });

  test('stops between pieces of a large hole', async () => {
    await using stream = new StreamDigest();
    const stop = new AbortController();
    const zeros = stream.zeros(ZEROS_PER_UPDATE * 1_000_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(zeros).rejects.toThrow('enough');
  });

  test('that is stopped ends what was asked of it', async () => {
    const stream = new StreamDigest();
    const asked = [stream.update(Buffer.alloc(8 * 1024 * 1024)), stream.update(Buffer.from('x'))];
    const failed = Promise.allSettled(asked);
    await stream[Symbol.asyncDispose]();
    expect((await failed).at(-1)).toMatchObject({ reason: { code: 'CANCELLED' } });
    await expect(stream.finish()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('refuses a call while a hole is being taken in: the order would be lost', async () => {
    await using stream = new StreamDigest();
    const zeros = stream.zeros(10);
    await expect(stream.update(Buffer.from('x'))).rejects.toMatchObject({ code: 'INTERNAL' });
    await zeros;
    await stream.update(Buffer.from('x'));
  });
});
