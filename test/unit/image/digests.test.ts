import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DigestThread } from '../../../src/image/digest-thread.ts';
import { DigestPool, StreamDigest, ZEROS_PER_REQUEST } from '../../../src/image/digests.ts';

function hash(algorithm: string, ...pieces: Uint8Array[]): Buffer {
  const digest = createHash(algorithm);
  for (const piece of pieces) digest.update(piece);
  return digest.digest();
}

function sharedCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(new SharedArrayBuffer(bytes.length + 8), 8);
  copy.set(bytes);
  return copy;
}

describe('a digest pool', () => {
  test('gives the SHA-256 of each of many chunks asked for at once', async () => {
    await using pool = new DigestPool({ threads: 2 });
    const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1 + index * 5000, index));
    const digests = await Promise.all(
      chunks.map((chunk, index) => pool.sha256(index % 2 ? sharedCopy(chunk) : chunk)),
    );
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

  test('outlives a thread that dies', async () => {
    await using pool = new DigestPool({ threads: 1 });
    // Not bytes: the hash throws in the thread, which ends it.
    await expect(pool.sha256(notBytes())).rejects.toMatchObject({
      code: 'INTERNAL',
      message: /digest thread ended/,
    });
    expect(await pool.sha256(Buffer.from('x'))).toEqual(hash('sha256', Buffer.from('x')));
  });
});

describe('a thread', () => {
  test('that dies refuses all it was asked and all it will be', async () => {
    await using thread = new DigestThread('md5');
    const asked = [thread.ask({ kind: 'update', bytes: notBytes() }), thread.ask({ kind: 'finish' })];
    for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(thread.ask({ kind: 'finish' })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(thread.pending).toBe(0);
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
        for (const next of pieces) {
          whole.push(typeof next === 'number' ? Buffer.alloc(next) : next);
          const done = typeof next === 'number' ? stream.zeros(next) : stream.update(sharedCopy(next));
          updates.push(done);
          if (waits || typeof next === 'number') await done;
        }
        await Promise.all(updates);
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
    const zeros = stream.zeros(ZEROS_PER_REQUEST * 100_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(zeros).rejects.toThrow('enough');
  });

  test('refuses a call while a hole is being taken in: the order would be lost', async () => {
    await using stream = new StreamDigest();
    const zeros = stream.zeros(10);
    await expect(stream.update(Buffer.from('x'))).rejects.toMatchObject({ code: 'INTERNAL' });
    await zeros;
    await stream.update(Buffer.from('x'));
  });
});

function notBytes(): Uint8Array {
  const fake = { buffer: new SharedArrayBuffer(1) };
  return fake as unknown as Uint8Array;
}
