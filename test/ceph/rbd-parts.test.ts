import { describe, expect, it } from 'vitest';
import { poolSpace } from '../../src/store/rbd/connection.ts';
import { Decoder, encodedInt64, encodedString, HEAD } from '../../src/store/rbd/encoding.ts';
import { Errors } from '../../src/store/rbd/errno.ts';
import { joined } from '../../src/store/rbd/extents.ts';
import { Gate } from '../../src/store/rbd/gate.ts';
import { threadsForCeph } from '../../src/store/rbd/librbd.ts';
import { UnderWay } from '../../src/store/rbd/under-way.ts';

describe('errno', () => {
  const errors = new Errors({
    confPath: '/etc/ceph/a.conf',
    clientId: 'images',
    pool: 'gold',
    timeoutMs: 7000,
  });

  it.each([
    [1, 'INVALID', 'client.images lacks the rights for it'],
    [2, 'NOT_FOUND', 'it does not exist'],
    [13, 'INVALID', 'client.images lacks the rights for it'],
    [16, 'IN_USE', 'something else uses it (EBUSY)'],
    [17, 'ALREADY_EXISTS', 'it exists already'],
    [28, 'NO_SPACE', "pool 'gold' is full"],
    [39, 'IN_USE', 'something else uses it (ENOTEMPTY)'],
    [107, 'UNAVAILABLE', 'the cluster of /etc/ceph/a.conf did not answer within 7 s'],
    [108, 'UNAVAILABLE', 'the cluster has shut this process out (blocklisted)'],
    [110, 'UNAVAILABLE', 'the cluster of /etc/ceph/a.conf did not answer within 7 s'],
    [122, 'NO_SPACE', "pool 'gold' is full"],
    [5, 'INTERNAL', 'librbd says EIO (5)'],
    [9999, 'INTERNAL', /^cannot try it: librbd says .* \(9999\)$/],
  ])('%d is %s', (number, code, reason) => {
    const refusal = errors.refusal(-number, 'try it');
    expect(refusal.code).toBe(code);
    if (typeof reason === 'string') expect(refusal.message).toBe(`cannot try it: ${reason}`);
    else expect(refusal.message).toMatch(reason);
  });

  it('lets lengths through', () => {
    expect(errors.check(4711, 'try it')).toBe(4711);
    expect(() => errors.check(-28, 'try it')).toThrow(/is full/);
  });
});

describe('extents', () => {
  const range = { offset: 10, length: 90 };

  it.each([
    ['nothing', [], []],
    ['clipped at both ends', [{ offset: 0, length: 200 }], [{ offset: 10, length: 90 }]],
    [
      'outside',
      [
        { offset: 0, length: 10 },
        { offset: 100, length: 5 },
      ],
      [],
    ],
    [
      'out of order, joined where they touch or overlap',
      [
        { offset: 50, length: 10 },
        { offset: 20, length: 10 },
        { offset: 30, length: 5 },
        { offset: 22, length: 3 },
      ],
      [
        { offset: 20, length: 15 },
        { offset: 50, length: 10 },
      ],
    ],
  ])('%s', (_what, given, expected) => {
    expect(joined(given, range)).toEqual(expected);
  });
});

describe('encoding', () => {
  it('reads what Ceph 16.2 wrote: the clones of an image', () => {
    const data = Buffer.from(
      '0100000002011c00000001000000000000000c00000031303338383363333431393900000000',
      'hex',
    );
    const decoder = new Decoder(data);
    expect(
      decoder.list(() =>
        decoder.struct(() => ({ pool: decoder.int64(), id: decoder.string(), namespace: decoder.string() })),
      ),
    ).toEqual([{ pool: 1, id: '103883c34199', namespace: '' }]);
  });

  it('leaves out what later versions append', () => {
    const later = Buffer.concat([
      Buffer.from([9, 1, 10, 0, 0, 0]),
      encodedInt64(7),
      Buffer.from([1, 2]),
      encodedString('x'),
    ]);
    const decoder = new Decoder(later);
    expect(decoder.struct(() => decoder.int64())).toBe(7);
    expect(decoder.string()).toBe('x');
  });

  it('writes strings in bytes and the head as the largest but one number', () => {
    expect(encodedString('ä').toString('hex')).toBe('02000000c3a4');
    expect(encodedInt64(HEAD).toString('hex')).toBe('feffffffffffffff');
  });
});

describe('space', () => {
  const reply = (stats: object) =>
    JSON.stringify({
      pools: [
        { name: 'other', stats: {} },
        { name: 'images', stats },
      ],
    });

  it('is unknown without a manager', () => {
    expect(poolSpace('{"pools":[]}', 'images')).toBeUndefined();
    expect(poolSpace(reply({ stored: 0, max_avail: 0, quota_bytes: 0 }), 'images')).toBeUndefined();
  });

  it('is what fits, beside what is stored', () => {
    const space = poolSpace(reply({ stored: 300, max_avail: 700, quota_bytes: 0 }), 'images');
    expect(space).toEqual({ totalBytes: 1000, freeBytes: 700 });
  });

  it('ends at the quota', () => {
    expect(poolSpace(reply({ stored: 300, max_avail: 700, quota_bytes: 400 }), 'images')).toEqual({
      totalBytes: 400,
      freeBytes: 100,
    });
    expect(poolSpace(reply({ stored: 300, max_avail: 700, quota_bytes: 200 }), 'images')?.freeBytes).toBe(0);
  });
});

describe('threads', () => {
  it.each([
    [16, 12],
    [8, 4],
    [4, 2],
    [1, 1],
    [Number.NaN, 2],
  ])('of %d, Ceph takes %d', (pool, share) => {
    expect(threadsForCeph(pool)).toBe(share);
  });

  it('are given in order of arrival', async () => {
    const gate = new Gate(1);
    const order: number[] = [];
    await gate.enter();
    const waiting = [1, 2].map(async (number) => {
      await gate.enter();
      order.push(number);
      gate.leave();
    });
    expect(order).toEqual([]);
    gate.leave();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    await gate.enter();
  });

  it('are waited for until the last one is back, also when it failed', async () => {
    const underWay = new UnderWay();
    const { promise, resolve } = Promise.withResolvers<void>();
    const long = underWay.during(() => promise);
    await expect(underWay.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let isDrained = false;
    const drained = underWay.drained().then(() => {
      isDrained = true;
    });
    await Promise.resolve();
    expect(isDrained).toBe(false);
    resolve();
    await long;
    await drained;
    await underWay.drained();
  });
});
