import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { type EventFilter, selectEvents } from '../../../src/catalogue/events.ts';
import { DRAFT, ROOT, Scratch, uuid } from './scratch.ts';

const ID = uuid(1);
const ALICE = { actor: 'operator/alice', peer: '10.0.0.9:4711', requestId: 'request-7' };

let scratch: Scratch;
let catalogue: Catalogue;

beforeEach(() => {
  scratch = new Scratch();
  ({ catalogue } = scratch);
});

afterEach(() => scratch[Symbol.dispose]());

describe('an event', () => {
  test('is told by every change, in order, and is never changed', () => {
    scratch.withStores();
    catalogue.images.insert(ID, DRAFT, 'request-1');
    catalogue.copies.set(ID, 'dcn0', 'copying', { jobId: 'j1' });
    const events = catalogue.events.list({ limit: 100 });
    expect(events.map((event) => event.kind)).toEqual([
      'store.added',
      'store.added',
      'image.created',
      'copy.copying',
    ]);
    expect(events[2]).toMatchObject({ imageId: ID, requestId: 'request-1', detail: { name: 'debian' } });
    scratch.inspect((sqlite) => {
      expect(() => sqlite.prepare(`UPDATE events SET kind = 'x'`).run()).toThrow(/never changed/);
      expect(() => sqlite.prepare(`UPDATE events SET actor = 'x'`).run()).toThrow(/never changed/);
    });
  });

  test('says who, from where, and by which request, unless it is of another one', () => {
    scratch.origin = ALICE;
    catalogue.stores.add('dcn0', 'edge');
    catalogue.images.insert(ID, DRAFT, 'request-1');
    const outcome = 'done';
    expect(catalogue.events.list({ limit: 9 })).toMatchObject([
      { kind: 'store.added', ...ALICE, outcome },
      { kind: 'image.created', ...ALICE, requestId: 'request-1', outcome },
    ]);
  });

  test('of the hub itself says so', () => {
    catalogue.stores.add('dcn0', 'edge');
    expect(catalogue.events.list({ limit: 9 })).toMatchObject([
      { actor: 'hub', peer: '', requestId: undefined, outcome: 'done' },
    ]);
  });

  test('of the hub itself about a job is by the request that asked for the job', () => {
    catalogue.images.insert(ID, DRAFT, 'request-1');
    const spec = { kind: 'delete' } as const;
    const who = { requestedBy: 'bob', requestId: 'request-2' };
    const { id: jobId } = catalogue.jobs.insert({ id: uuid(2), imageId: ID, spec, ...who });
    catalogue.events.append('x.by-hub', { jobId });
    scratch.origin = ALICE;
    catalogue.events.append('x.by-alice', { jobId });
    expect(catalogue.events.list({ afterSequence: 2, limit: 9 })).toMatchObject([
      { kind: 'x.by-hub', actor: 'hub', requestId: 'request-2' },
      { kind: 'x.by-alice', ...ALICE },
    ]);
  });

  test('of what was refused has the code', () => {
    catalogue.events.append('join.refused', { storeId: 'dcn0' }, { why: 'expired' }, 'UNAUTHENTICATED');
    expect(catalogue.events.list({ limit: 9 })).toMatchObject([
      { kind: 'join.refused', outcome: 'UNAUTHENTICATED', detail: { why: 'expired' } },
    ]);
  });

  test('is gone with the change that failed', () => {
    expect(() =>
      catalogue.transact(() => {
        catalogue.stores.add('dcn0', 'edge');
        throw new Error('half-way');
      }),
    ).toThrow('half-way');
    expect(scratch.kinds()).toEqual([]);
  });

  test('tells what became of the data', () => {
    catalogue.manifests.put(ROOT, Buffer.from('m'));
    catalogue.images.insert(ID, DRAFT, 'r');
    const data = {
      sizeBytes: 4096,
      virtualSizeBytes: 4096,
      dataBytes: 0,
      checksum: 'c',
      osHashAlgo: 'sha512' as const,
      osHashValue: 'd',
      root: ROOT,
    };
    catalogue.images.setData(ID, undefined);
    catalogue.images.setData(ID, data);
    catalogue.images.setData(ID, undefined);
    expect(scratch.kinds()).toEqual(['image.created', 'image.filled', 'image.emptied']);
  });
});

describe('the list', () => {
  beforeEach(() => {
    // 1 to 8: at 1000, 2000 ...; by alice and bob in turn; every third of the image, every fourth of the store.
    for (let n = 1; n <= 8; n++) {
      scratch.nowMs = n * 1000;
      scratch.origin = { actor: n % 2 === 0 ? 'operator/bob' : 'operator/alice', peer: 'p' };
      const subject = { imageId: n % 3 === 0 ? ID : undefined, storeId: n % 4 === 0 ? 'dcn0' : undefined };
      catalogue.events.append(`test.${n}`, subject);
    }
  });

  test.each<[Partial<EventFilter>, string]>([
    [{}, '12345678'],
    [{ limit: 3 }, '123'],
    [{ afterSequence: 5 }, '678'],
    [{ afterSequence: 2, limit: 2 }, '34'],
    [{ sinceMs: 7000 }, '78'],
    [{ sinceMs: 0 }, '12345678'],
    [{ imageId: ID }, '36'],
    [{ storeId: 'dcn0' }, '48'],
    [{ actor: 'operator/bob' }, '2468'],
    [{ actor: 'operator/bob', imageId: ID }, '6'],
    [{ actor: 'operator/alice', storeId: 'dcn0' }, ''],
    [{ sinceMs: 4001, storeId: 'dcn0', actor: 'operator/bob', afterSequence: 1 }, '8'],
    [{ actor: "operator/bob' OR 1=1 --" }, ''],
    [{ imageId: undefined, sinceMs: undefined, limit: 1 }, '1'],
  ])('%j: %s', (filter, expected) => {
    const found = catalogue.events.list({ limit: 100, ...filter });
    expect(found.map((event) => event.kind.slice('test.'.length)).join('')).toBe(expected);
  });

  test('forgets what is old, and says that it did', () => {
    scratch.origin = { actor: 'hub', peer: '' };
    scratch.nowMs = 9000;
    expect(catalogue.events.prune(3000)).toBe(2);
    expect(catalogue.events.prune(3000)).toBe(0);
    expect(scratch.kinds()).toEqual([3, 4, 5, 6, 7, 8].map((n) => `test.${n}`).concat('events.pruned'));
    expect(catalogue.events.list({ afterSequence: 8, limit: 9 })).toMatchObject([
      { kind: 'events.pruned', actor: 'hub', detail: { beforeMs: 3000, events: 2 } },
    ]);
  });

  test('a number is never given twice, even when the last was forgotten', () => {
    expect(catalogue.events.prune(99_000)).toBe(8);
    expect(catalogue.events.list({ limit: 9 }).map((event) => event.sequence)).toEqual([9]);
  });

  test('has a time before the clock was set back', () => {
    scratch.nowMs = 500;
    catalogue.events.append('test.9', {});
    scratch.nowMs = 9000;
    catalogue.events.append('test.10', {});
    const found = catalogue.events.list({ sinceMs: 8000, limit: 9 });
    expect(found.map((event) => event.kind)).toEqual(['test.8', 'test.10']);
  });

  test.each<[Partial<EventFilter>, string]>([
    [{ storeId: 'dcn0' }, 'events_by_store'],
    [{ actor: 'hub' }, 'events_by_actor'],
    [{ imageId: ID }, 'events_by_image'],
    [{ sinceMs: 5 }, 'events_by_time'],
    [{ afterSequence: 5 }, 'PRIMARY KEY'],
  ])('of %j is found by an index', (filter, index) => {
    const wanted = { limit: 9, ...filter };
    const plan = scratch.inspect((sqlite) =>
      sqlite.prepare(`EXPLAIN QUERY PLAN ${selectEvents(wanted)}`).all(wanted),
    );
    const steps = plan.map((row) => (row as { detail: string }).detail).join('; ');
    expect(steps).toContain(index);
    expect(steps).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});
