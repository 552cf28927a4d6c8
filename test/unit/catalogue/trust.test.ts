import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { Scratch } from './scratch.ts';

const HASH = 'a1b2c3d4e5f60718'.padEnd(64, '9');
const OTHER = '0f1e2d3c4b5a6978'.padEnd(64, '8');
const THIRD = '1111222233334444'.padEnd(64, '7');
const KEY = 'b'.repeat(64);

let scratch: Scratch;
let catalogue: Catalogue;

beforeEach(() => {
  scratch = new Scratch();
  ({ catalogue } = scratch);
});

afterEach(() => scratch[Symbol.dispose]());

describe('operators', () => {
  test('are added, found and listed by name', () => {
    catalogue.operators.add('bob', 'member');
    scratch.nowMs = 2000;
    const ada = { name: 'ada', role: 'admin', createdAtMs: 2000, revokedAtMs: undefined };
    expect(catalogue.operators.add('ada', 'admin')).toEqual(ada);
    scratch.reopen();
    ({ catalogue } = scratch);
    expect(catalogue.operators.find('ada')).toEqual(ada);
    expect(catalogue.operators.all().map((one) => one.name)).toEqual(['ada', 'bob']);
    expect(catalogue.operators.find('eve')).toBeUndefined();
    expect(() => catalogue.operators.get('eve')).toThrow('no operator is named eve');
    expect(() => catalogue.operators.revoke('eve')).toThrow('no operator is named eve');
  });

  test('are there once, whatever the role', () => {
    catalogue.operators.add('ada', 'admin');
    for (const role of ['admin', 'reader'] as const) {
      expect(() => catalogue.operators.add('ada', role)).toThrow('operator ada is there already, as admin');
    }
    expect(catalogue.operators.get('ada').role).toBe('admin');
  });

  test('that were revoked come back with another role, their old credentials do not', () => {
    catalogue.operators.add('ada', 'admin');
    catalogue.credentials.add({ kind: 'token', subject: 'operator/ada', hash: HASH, expiresAtMs: 9000 });
    scratch.nowMs = 2000;
    expect(catalogue.operators.revoke('ada').revokedAtMs).toBe(2000);
    catalogue.credentials.revokeAll('operator/ada');
    scratch.nowMs = 3000;
    expect(catalogue.operators.revoke('ada').revokedAtMs).toBe(2000);
    expect(catalogue.operators.add('ada', 'reader')).toEqual({
      name: 'ada',
      role: 'reader',
      createdAtMs: 3000,
      revokedAtMs: undefined,
    });
    expect(catalogue.credentials.findByHash(HASH)?.revokedAtMs).toBe(2000);
    expect(scratch.kinds()).toEqual([
      'operator.added',
      'credential.issued',
      'operator.revoked',
      'credentials.revoked',
      'operator.added',
    ]);
  });
});

describe('credentials', () => {
  const certificate = {
    kind: 'certificate',
    subject: 'store/dcn0',
    hash: HASH,
    expiresAtMs: 9000,
  } as const;

  test('are found by their hash and by whom they speak for', () => {
    const added = catalogue.credentials.add(certificate);
    expect(added).toEqual({
      ...certificate,
      id: 'a1b2c3d4e5f60718',
      createdAtMs: 1000,
      revokedAtMs: undefined,
    });
    catalogue.credentials.add({ ...certificate, hash: OTHER });
    catalogue.credentials.add({ kind: 'token', subject: 'operator/dcn0', hash: THIRD, expiresAtMs: 1 });
    expect(catalogue.credentials.findByHash(HASH)).toEqual(added);
    expect(catalogue.credentials.findByHash(THIRD.slice(1))).toBeUndefined();
    expect(catalogue.credentials.get(added.id)).toEqual(added);
    // Two of the same moment stay in the order they were made.
    expect(catalogue.credentials.ofSubject('store/dcn0').map((one) => one.hash)).toEqual([HASH, OTHER]);
    expect(() => catalogue.credentials.get('none')).toThrow('no credential has the id none');
  });

  test('are revoked one by one, or all of a subject', () => {
    const { id } = catalogue.credentials.add(certificate);
    catalogue.credentials.add({ ...certificate, hash: OTHER });
    catalogue.credentials.add({ ...certificate, subject: 'store/dcn1', hash: THIRD });
    expect(catalogue.credentials.revoke(id).revokedAtMs).toBe(1000);
    scratch.nowMs = 2000;
    expect(catalogue.credentials.revoke(id).revokedAtMs).toBe(1000);
    catalogue.credentials.revokeAll('store/dcn0');
    expect(catalogue.credentials.ofSubject('store/dcn0').map((one) => one.revokedAtMs)).toEqual([1000, 2000]);
    expect(catalogue.credentials.findByHash(THIRD)?.revokedAtMs).toBeUndefined();
  });

  test('of a store are told among its events, without their hash', () => {
    catalogue.credentials.add(certificate);
    catalogue.credentials.revokeAll('store/dcn0');
    const events = catalogue.events.list({ storeId: 'dcn0', limit: 9 });
    expect(events.map((event) => event.kind)).toEqual(['credential.issued', 'credentials.revoked']);
    expect(events[1]?.detail).toEqual({ subject: 'store/dcn0', credentials: 1 });
    expect(events[0]?.detail).toEqual({
      credential: 'a1b2c3d4e5f60718',
      kind: 'certificate',
      subject: 'store/dcn0',
      expiresAtMs: 9000,
    });
    expect(JSON.stringify(events)).not.toContain(HASH);
  });

  test('that are good are neither revoked nor expired, in the order in which they came', () => {
    scratch.nowMs = 5000;
    catalogue.credentials.add(certificate);
    // The clock was set back.
    scratch.nowMs = 4000;
    catalogue.credentials.add({ ...certificate, hash: OTHER });
    const { id } = catalogue.credentials.add({ ...certificate, hash: THIRD });
    const good = () => catalogue.credentials.goodOf('store/dcn0').map(({ hash }) => hash);
    expect(good()).toEqual([HASH, OTHER, THIRD]);
    catalogue.credentials.revoke(id);
    expect(good()).toEqual([HASH, OTHER]);
    scratch.nowMs = 9000;
    expect(good()).toEqual([HASH, OTHER]);
    scratch.nowMs = 9001;
    expect(good()).toEqual([]);
  });

  test('that are many are listed up to a number: the good ones, then the newest', () => {
    for (const hash of [HASH, OTHER, THIRD]) {
      scratch.nowMs += 1000;
      catalogue.credentials.add({ ...certificate, hash, expiresAtMs: hash === HASH ? 9000 : 5000 });
    }
    scratch.nowMs = 6000;
    const recent = (limit: number) =>
      catalogue.credentials.recentOf('store/dcn0', limit).map(({ hash }) => hash);
    expect(recent(9)).toEqual([HASH, OTHER, THIRD]);
    expect(recent(2)).toEqual([HASH, THIRD]);
    expect(recent(1)).toEqual([HASH]);
  });

  test('that ended are forgotten, but certificates only when nobody can show them any more', () => {
    const token = { kind: 'token', subject: 'operator/ada', expiresAtMs: 9000 } as const;
    const ids = [
      catalogue.credentials.add(certificate).id,
      catalogue.credentials.add({ ...token, hash: OTHER }).id,
    ];
    catalogue.credentials.add({ ...token, hash: THIRD });
    for (const id of ids) catalogue.credentials.revoke(id);
    const left = () =>
      [HASH, OTHER, THIRD].filter((hash) => catalogue.credentials.findByHash(hash) !== undefined);
    expect(catalogue.credentials.prune(1000)).toBe(0);
    expect(catalogue.credentials.prune(1001)).toBe(1);
    expect(left()).toEqual([HASH, THIRD]);
    expect(catalogue.credentials.prune(9000)).toBe(0);
    expect(catalogue.credentials.prune(9001)).toBe(2);
    expect(left()).toEqual([]);
    expect(catalogue.events.list({ limit: 99 }).at(-1)).toMatchObject({
      kind: 'credentials.pruned',
      detail: { beforeMs: 9001, credentials: 2 },
    });
  });

  describe('that the table does not know', () => {
    const seen = { subject: 'store/dcn0', hash: HASH, notBeforeMs: 500, expiresAtMs: 9000 };

    test('are recorded when they are first shown, once', () => {
      const first = catalogue.credentials.see(seen);
      expect(first).toMatchObject({ kind: 'certificate', subject: 'store/dcn0', revokedAtMs: undefined });
      catalogue.credentials.revoke(first.id);
      expect(catalogue.credentials.see(seen).revokedAtMs).toBe(1000);
      expect(scratch.kinds()).toEqual(['credential.seen', 'credential.revoked']);
    });

    test.each([
      [999, 1000],
      [1000, 1000],
      [1001, undefined],
    ])('are revoked when their subject was revoked since: from %s', (notBeforeMs, revokedAtMs) => {
      catalogue.credentials.revokeAll('store/dcn0');
      expect(catalogue.credentials.see({ ...seen, notBeforeMs }).revokedAtMs).toBe(revokedAtMs);
      expect(catalogue.credentials.see({ ...seen, hash: OTHER, subject: 'store/dcn1' }).revokedAtMs).toBe(
        undefined,
      );
    });

    test('a later revocation counts, an earlier clock does not undo it', () => {
      catalogue.credentials.revokeAll('store/dcn0');
      scratch.nowMs = 3000;
      catalogue.credentials.revokeAll('store/dcn0');
      scratch.nowMs = 2000;
      catalogue.credentials.revokeAll('store/dcn0');
      expect(catalogue.credentials.see({ ...seen, notBeforeMs: 2500 }).revokedAtMs).toBe(2000);
    });
  });

  test('issued after a revocation count, whenever they say they begin', () => {
    catalogue.credentials.revokeAll('store/dcn0');
    catalogue.credentials.add(certificate);
    const shown = { subject: 'store/dcn0', hash: HASH, notBeforeMs: 1, expiresAtMs: 9000 };
    expect(catalogue.credentials.see(shown).revokedAtMs).toBeUndefined();
  });
});

describe('join tokens', () => {
  beforeEach(() => {
    scratch.withStores();
    catalogue.joinTokens.add({ hash: HASH, storeId: 'dcn0', expiresAtMs: 5000 });
  });

  test('are taken by one key, as often as it asks', () => {
    expect(catalogue.joinTokens.findByHash(HASH)).toEqual({
      hash: HASH,
      storeId: 'dcn0',
      createdAtMs: 1000,
      expiresAtMs: 5000,
      usedAtMs: undefined,
      usedByKey: undefined,
      voidedAtMs: undefined,
    });
    scratch.nowMs = 2000;
    catalogue.joinTokens.use(HASH, KEY);
    scratch.nowMs = 3000;
    // Again, or by another key, it changes nothing.
    for (const key of [KEY, 'c'.repeat(64)]) catalogue.joinTokens.use(HASH, key);
    expect(catalogue.joinTokens.findByHash(HASH)).toMatchObject({ usedAtMs: 2000, usedByKey: KEY });
    expect(scratch.kinds().filter((kind) => kind === 'join-token.used')).toHaveLength(1);
  });

  test('that are void are taken by nobody; used ones are voided too', () => {
    catalogue.joinTokens.add({ hash: OTHER, storeId: 'dcn0', expiresAtMs: 5000 });
    catalogue.joinTokens.add({ hash: THIRD, storeId: 'central', expiresAtMs: 5000 });
    catalogue.joinTokens.use(OTHER, KEY);
    scratch.nowMs = 2000;
    catalogue.joinTokens.voidOf('dcn0');
    scratch.nowMs = 3000;
    catalogue.joinTokens.voidOf('dcn0');
    for (const hash of [HASH, OTHER]) catalogue.joinTokens.use(hash, KEY);
    expect(catalogue.joinTokens.findByHash(HASH)).toMatchObject({ usedByKey: undefined, voidedAtMs: 2000 });
    expect(catalogue.joinTokens.findByHash(OTHER)).toMatchObject({ usedByKey: KEY, voidedAtMs: 2000 });
    expect(catalogue.joinTokens.findByHash(THIRD)?.voidedAtMs).toBeUndefined();
    expect(scratch.kinds().slice(-1)).toEqual(['join-token.voided']);
    expect(scratch.kinds().filter((kind) => kind === 'join-token.voided')).toHaveLength(1);
  });

  test('that never were are not found', () => {
    expect(catalogue.joinTokens.findByHash(OTHER)).toBeUndefined();
    expect(() => catalogue.joinTokens.use(OTHER, KEY)).toThrow('the hub knows no such join token');
  });

  test('are for stores that there are', () => {
    expect(() => catalogue.joinTokens.add({ hash: OTHER, storeId: 'mars', expiresAtMs: 1 })).toThrow(
      /FOREIGN KEY/,
    );
  });
});
