import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalogue } from '../../../src/catalogue/catalogue.ts';
import type { JobSpec } from '../../../src/domain/job.ts';
import { DRAFT, Scratch, uuid } from './scratch.ts';

const IDENTITY = { driver: 'rbd', fsid: 'f', pool: 'images' } as const;

let scratch: Scratch;
let catalogue: Catalogue;

beforeEach(() => {
  scratch = new Scratch();
  ({ catalogue } = scratch);
  scratch.withStores();
});

afterEach(() => scratch[Symbol.dispose]());

const ids = () => catalogue.stores.all().map((store) => store.id);

describe('stores', () => {
  test('are added once, and found as they were added', () => {
    expect(catalogue.stores.add('dcn1', 'edge')).toEqual({
      id: 'dcn1',
      role: 'edge',
      identity: undefined,
      lastSeenMs: undefined,
      revoked: false,
    });
    catalogue.stores.pin('dcn1', IDENTITY);
    const events = scratch.kinds().length;
    expect(catalogue.stores.add('dcn1', 'edge').identity).toEqual(IDENTITY);
    expect(scratch.kinds()).toHaveLength(events);
    expect(ids()).toEqual(['central', 'dcn0', 'dcn1']);
  });

  test('keep their role, and one of them is central', () => {
    expect(() => catalogue.stores.add('dcn0', 'central')).toThrow('store dcn0 is edge');
    expect(() => catalogue.stores.add('other', 'central')).toThrow('store central is central already');
    expect(ids()).toEqual(['central', 'dcn0']);
  });

  test('one that is not there is not found', () => {
    expect(catalogue.stores.find('mars')).toBeUndefined();
    for (const change of ['get', 'revoke', 'admit', 'remove'] as const) {
      expect(() => catalogue.stores[change]('mars')).toThrow('no store is named mars');
    }
  });

  test('are revoked and let in again, with an event for each change and none for no change', () => {
    const before = scratch.kinds().length;
    expect(catalogue.stores.revoke('dcn0').revoked).toBe(true);
    catalogue.stores.revoke('dcn0');
    // Adding it again is how its agent gets a token; it is out until it has joined.
    expect(catalogue.stores.add('dcn0', 'edge').revoked).toBe(true);
    scratch.reopen();
    ({ catalogue } = scratch);
    expect(catalogue.stores.all().map((store) => store.revoked)).toEqual([false, true]);
    expect(catalogue.stores.admit('dcn0').revoked).toBe(false);
    catalogue.stores.admit('dcn0');
    expect(scratch.kinds().slice(before)).toEqual(['store.revoked', 'store.admitted']);
  });
});

describe('a removed store', () => {
  beforeEach(() => {
    catalogue.stores.pin('dcn0', IDENTITY);
    catalogue.stores.seen('dcn0', 5);
    catalogue.stores.revoke('dcn0');
    catalogue.images.insert(uuid(1), DRAFT, 'r');
    const spec = { kind: 'delete-copy', storeId: 'dcn0' } as const;
    catalogue.jobs.insert({ id: 'j1', imageId: uuid(1), spec, requestedBy: 'ada', requestId: 'r' });
    const task = { id: 't1', jobId: 'j1', imageId: uuid(1), storeId: 'dcn0', kind: 'delete' } as const;
    catalogue.tasks.insert({ ...task, sourceStoreId: undefined });
    catalogue.tasks.set('t1', 'failed');
    catalogue.jobs.setState('j1', 'failed');
    catalogue.stores.remove('dcn0');
  });

  test('is seen by nobody, and what was done there is', () => {
    expect(ids()).toEqual(['central']);
    expect(catalogue.stores.find('dcn0')).toBeUndefined();
    expect(catalogue.tasks.get('t1').storeId).toBe('dcn0');
  });

  test('comes back as a new one, of any role, pinned to nothing', () => {
    catalogue.stores.remove('central');
    expect(catalogue.stores.add('dcn0', 'central')).toEqual({
      id: 'dcn0',
      role: 'central',
      identity: undefined,
      lastSeenMs: undefined,
      revoked: false,
    });
    expect(() => catalogue.stores.add('central', 'central')).toThrow('store dcn0 is central already');
    expect(catalogue.stores.add('central', 'edge').role).toBe('edge');
  });
});

describe('what uses a store', () => {
  let jobs = 0;
  const insert = (image: number, spec: JobSpec, state: 'queued' | 'running' | 'failed' = 'queued') => {
    const id = `j${++jobs}`;
    catalogue.jobs.insert({ id, imageId: uuid(image), spec, requestedBy: 'ada', requestId: 'r' });
    if (state !== 'queued') catalogue.jobs.setState(id, state);
    return id;
  };
  const task = (
    jobId: string,
    image: number,
    kind: 'copy' | 'delete',
    storeId: string,
    sourceStoreId?: string,
  ) =>
    catalogue.tasks.insert({
      id: `t-${jobId}-${storeId}`,
      jobId,
      imageId: uuid(image),
      storeId,
      kind,
      sourceStoreId,
    });
  const copy = (...storeIds: string[]): JobSpec => ({ kind: 'copy', storeIds, allMustSucceed: true });

  beforeEach(() => {
    jobs = 0;
    catalogue.stores.add('dcn1', 'edge');
    for (const n of [1, 2, 3, 4]) catalogue.images.insert(uuid(n), DRAFT, 'r');
  });

  test('are its copies, those that are the only ones told apart', () => {
    scratch.present(uuid(1), 'central');
    scratch.present(uuid(1), 'dcn0');
    scratch.present(uuid(2), 'dcn0');
    catalogue.copies.set(uuid(2), 'dcn1', 'copying');
    catalogue.copies.set(uuid(3), 'dcn0', 'copying');
    scratch.present(uuid(3), 'dcn1');
    catalogue.images.setStatus(uuid(4), 'pending_delete', {});
    expect(catalogue.usesOf('dcn0')).toEqual({
      copies: 3,
      soleCopies: [uuid(2)],
      jobs: [],
      deletions: [],
      images: 3,
      otherStores: 2,
    });
    expect(() => catalogue.usesOf('mars')).toThrow('no store is named mars');
  });

  test('are unended jobs that name it, or take from it; others are not', () => {
    const named = insert(1, copy('dcn1', 'dcn0'));
    insert(1, copy('dcn1'));
    insert(2, copy('dcn0'), 'failed');
    const taking = insert(2, copy('central'), 'running');
    task(taking, 2, 'copy', 'central', 'dcn0');
    const entry: JobSpec = {
      kind: 'import',
      source: { method: 'upload' },
      entryStoreId: 'dcn0',
      sizeBytes: 1,
      storeIds: [],
      allMustSucceed: false,
    };
    const importing = insert(3, entry);
    expect(catalogue.usesOf('dcn0')).toMatchObject({ jobs: [named, taking, importing], deletions: [] });
  });

  test('jobs that only delete there are told apart', () => {
    const one = insert(1, { kind: 'delete-copy', storeId: 'dcn0' });
    insert(1, { kind: 'delete-copy', storeId: 'dcn1' });
    catalogue.copies.set(uuid(2), 'dcn0', 'copying');
    const whole = insert(2, { kind: 'delete' });
    insert(3, { kind: 'delete' });
    const takingBack = insert(4, copy('dcn0', 'dcn1'), 'running');
    task(takingBack, 4, 'delete', 'dcn0');
    expect(catalogue.usesOf('dcn0')).toMatchObject({ jobs: [], deletions: [one, whole, takingBack] });
    catalogue.tasks.set(`t-${takingBack}-dcn0`, 'done');
    expect(catalogue.usesOf('dcn0')).toMatchObject({ jobs: [takingBack], deletions: [one, whole] });
  });

  test('forgetting its copies is told for each image', () => {
    scratch.present(uuid(1), 'dcn0');
    scratch.present(uuid(1), 'central');
    catalogue.copies.set(uuid(2), 'dcn0', 'copying');
    expect(catalogue.copies.forget('dcn0')).toBe(2);
    expect(catalogue.copies.ofImage(uuid(1)).map((one) => one.storeId)).toEqual(['central']);
    expect(catalogue.copies.countOfStore('dcn0')).toBe(0);
    const told = catalogue.events.list({ storeId: 'dcn0', limit: 100 }).slice(-2);
    expect(told).toMatchObject([
      { kind: 'copy.orphaned', imageId: uuid(1), detail: { before: 'present' } },
      { kind: 'copy.orphaned', imageId: uuid(2), detail: { before: 'copying' } },
    ]);
  });
});

describe('the list of all stores', () => {
  const dcn0 = () => catalogue.stores.all().find((store) => store.id === 'dcn0');

  test('is read once for as long as nothing changes', () => {
    expect(catalogue.stores.all()).toBe(catalogue.stores.all());
  });

  test.each<[string, () => void, () => void]>([
    ['add', () => void catalogue.stores.add('dcn1', 'edge'), () => expect(ids()).toContain('dcn1')],
    ['pin', () => catalogue.stores.pin('dcn0', IDENTITY), () => expect(dcn0()?.identity).toEqual(IDENTITY)],
    ['seen', () => catalogue.stores.seen('dcn0', 77), () => expect(dcn0()?.lastSeenMs).toBe(77)],
    ['revoke', () => void catalogue.stores.revoke('dcn0'), () => expect(dcn0()?.revoked).toBe(true)],
    ['remove', () => catalogue.stores.remove('dcn0'), () => expect(ids()).toEqual(['central'])],
  ])('shows the change that %s makes', (_name, change, check) => {
    catalogue.stores.all();
    catalogue.transact(change);
    check();
  });

  test('shows that a store was let in again', () => {
    catalogue.stores.revoke('dcn0');
    expect(dcn0()?.revoked).toBe(true);
    catalogue.stores.admit('dcn0');
    expect(dcn0()?.revoked).toBe(false);
  });

  test('is as it was when a transaction is taken back that had looked at its own change', () => {
    const broken = () =>
      catalogue.transact(() => {
        catalogue.stores.add('dcn1', 'edge');
        expect(ids()).toContain('dcn1');
        throw new Error('the disk is full');
      });
    expect(broken).toThrow('the disk is full');
    expect(ids()).toEqual(['central', 'dcn0']);
  });
});
