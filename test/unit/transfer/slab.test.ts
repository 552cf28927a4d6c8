import { expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { SlabPool } from '../../../src/transfer/slab.ts';

const forever = new AbortController().signal;

test('slabs are memory of one chunk, and no more than there are', async () => {
  const pool = new SlabPool(2);
  const one = await pool.take(forever);
  const other = await pool.take(forever);
  expect([one.length, other.length, pool.bytesInUse]).toEqual([CHUNK_BYTES, CHUNK_BYTES, 2 * CHUNK_BYTES]);
  expect(one.buffer).not.toBe(other.buffer);

  const third = pool.take(forever);
  const fourth = pool.take(forever);
  pool.giveBack(other);
  expect(await third).toBe(other);
  pool.giveBack(one);
  expect(await fourth).toBe(one);
  pool.giveBack(one);
  pool.giveBack(other);
  expect(pool.bytesInUse).toBe(0);
});

test('whoever stops waiting loses the place, and nobody else does', async () => {
  const pool = new SlabPool(1);
  const slab = await pool.take(forever);
  const stop = new AbortController();
  const impatient = pool.take(stop.signal);
  const patient = pool.take(forever);
  stop.abort(new Refusal('TIMEOUT', 'too long'));
  await expect(impatient).rejects.toMatchObject({ code: 'TIMEOUT' });
  pool.giveBack(slab);
  expect(await patient).toBe(slab);
  await expect(pool.take(stop.signal)).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('an abort that comes after the slab was handed over loses no slab', async () => {
  const pool = new SlabPool(1);
  const slab = await pool.take(forever);
  const stop = new AbortController();
  const waiting = pool.take(stop.signal);
  pool.giveBack(slab);
  stop.abort();
  expect(await waiting).toBe(slab);
});

test('giving back twice is a fault', async () => {
  const pool = new SlabPool(1);
  const slab = await pool.take(forever);
  pool.giveBack(slab);
  expect(() => pool.giveBack(slab)).toThrow(/not taken/);
});

test('a pool that gets larger serves who waits; one that gets smaller waits for what is too many', async () => {
  const pool = new SlabPool(1);
  const one = await pool.take(forever);
  const waiting = [pool.take(forever), pool.take(forever), pool.take(forever)];
  pool.resize(3);
  const [two, three] = await Promise.all(waiting.slice(0, 2));
  expect([pool.count, pool.bytesInUse]).toEqual([3, 3 * CHUNK_BYTES]);

  pool.resize(1);
  for (const slab of [one, two]) if (slab !== undefined) pool.giveBack(slab);
  expect(pool.bytesInUse).toBe(CHUNK_BYTES);
  if (three !== undefined) pool.giveBack(three);
  expect(await waiting[2]).toBe(three);
  expect(pool.bytesInUse).toBe(CHUNK_BYTES);
});
