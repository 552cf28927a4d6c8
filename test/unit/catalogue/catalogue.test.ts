import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Catalogue } from '../../../src/catalogue/catalogue.ts';
import { MIGRATIONS } from '../../../src/catalogue/migrations/index.ts';
import type { Visibility } from '../../../src/domain/image.ts';
import { type Actor, isInLists, isReadable, maySee } from '../../../src/domain/rules/index.ts';
import { DRAFT, ROOT, Scratch, uuid } from './scratch.ts';

const ID = uuid(1);
const DATA = {
  sizeBytes: 4096,
  virtualSizeBytes: 4096,
  dataBytes: 1024,
  checksum: 'c'.repeat(32),
  osHashAlgo: 'sha512' as const,
  osHashValue: 'd'.repeat(128),
  root: ROOT,
};

let scratch: Scratch;
let catalogue: Catalogue;

beforeEach(() => {
  scratch = new Scratch();
  ({ catalogue } = scratch);
});

afterEach(() => scratch[Symbol.dispose]());

function reopen(): void {
  scratch.reopen();
  ({ catalogue } = scratch);
}

describe('the file', () => {
  test('is a WAL database with the schema this version has', () => {
    scratch.inspect((sqlite) => {
      expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(sqlite.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    });
  });

  test('made by a newer hub is refused, and left as it is', () => {
    catalogue[Symbol.dispose]();
    const sqlite = new Database(scratch.path);
    sqlite.pragma('user_version = 99');
    sqlite.close();
    expect(() => Catalogue.open(scratch.path)).toThrow(/has schema 99/);
    const again = new Database(scratch.path);
    expect(again.pragma('user_version', { simple: true })).toBe(99);
    again.close();
  });

  test('is held by one hub at a time', () => {
    expect(() => Catalogue.open(scratch.path)).toThrow(/held by another process/);
  });

  test('that is no database is refused with a sentence', () => {
    expect(() => Catalogue.open(scratch.folder)).toThrow(/cannot be opened/);
  });
});

describe('a transaction', () => {
  test('is on disk when it returns, and is nothing when it throws', () => {
    catalogue.transact(() => catalogue.images.insert(ID, DRAFT, 'r'));
    expect(() =>
      catalogue.transact(() => {
        catalogue.images.setStatus(ID, 'uploading', {});
        throw new Error('half-way');
      }),
    ).toThrow('half-way');
    reopen();
    expect(catalogue.images.get(ID)).toEqual({
      ...DRAFT,
      id: ID,
      status: 'queued',
      data: undefined,
      staged: undefined,
      createdAtMs: 1000,
      updatedAtMs: 1000,
    });
  });
});

describe('images', () => {
  test('keep all that is known of them', () => {
    catalogue.transact(() => {
      catalogue.manifests.put(ROOT, Buffer.from('m'));
      catalogue.images.insert(ID, DRAFT, 'r');
      catalogue.images.setData(ID, DATA);
    });
    reopen();
    expect(catalogue.images.get(ID).data).toEqual(DATA);
  });

  test('need the manifest before the root', () => {
    catalogue.images.insert(ID, DRAFT, 'r');
    expect(() => catalogue.images.setData(ID, DATA)).toThrow(/FOREIGN KEY/);
  });

  test('move only as the states allow', () => {
    catalogue.images.insert(ID, DRAFT, 'r');
    expect(() => catalogue.images.setStatus(ID, 'active', {})).toThrow(/from queued to active/);
  });

  test('come page by page, newest first, without those that are gone', () => {
    const ids = Array.from({ length: 5 }, (_, n) => uuid(n));
    for (const [n, id] of ids.entries()) {
      scratch.nowMs = 1000 + Math.floor(n / 2);
      catalogue.images.insert(id, DRAFT, 'r');
    }
    catalogue.images.setStatus(ids[1] as string, 'pending_delete', {});
    const first = catalogue.images.page({ limit: 2 }).map((image) => image.id);
    const rest = catalogue.images.page({ limit: 9, marker: first[1] }).map((image) => image.id);
    expect([...first, ...rest]).toEqual([ids[4], ids[3], ids[2], ids[0]]);
    expect(catalogue.images.page({ limit: 9, name: 'other' })).toEqual([]);
  });

  test('that are deleted keep their UUID used', () => {
    catalogue.images.insert(ID, DRAFT, 'r');
    catalogue.images.setStatus(ID, 'pending_delete', {});
    catalogue.images.setStatus(ID, 'deleted', {});
    expect(catalogue.images.find(ID)?.status).toBe('deleted');
    expect(() => catalogue.images.insert(ID, DRAFT, 'r')).toThrow(/UNIQUE/);
  });
});

describe('what an operator may see (R11)', () => {
  const owned: readonly [string, Visibility][] = [
    ['ada', 'private'],
    ['ada', 'public'],
    ['bob', 'private'],
    ['bob', 'shared'],
    ['bob', 'community'],
    ['bob', 'public'],
    ['ada', 'shared'],
    // These with eve, who has accepted the first of them, and with ada.
    ['bob', 'shared'],
    ['bob', 'shared'],
    ['bob', 'private'],
  ];
  const actors: readonly Actor[] = [
    { name: 'ada', role: 'member' },
    { name: 'ada', role: 'reader' },
    { name: 'eve', role: 'member' },
    { name: 'root', role: 'admin' },
  ];
  const spec = { kind: 'delete' } as const;

  beforeEach(() => {
    for (const [n, [owner, visibility]] of owned.entries()) {
      scratch.nowMs += 1;
      catalogue.images.insert(uuid(n), { ...DRAFT, owner, visibility }, 'r');
      catalogue.jobs.insert({ id: `j${n}`, imageId: uuid(n), spec, requestedBy: 'x', requestId: 'r' });
    }
    catalogue.images.setStatus(uuid(6), 'pending_delete', {});
    for (const image of [7, 8, 9]) {
      for (const member of ['eve', 'ada']) catalogue.members.add(uuid(image), member);
    }
    catalogue.members.setStatus(uuid(7), 'eve', 'accepted');
    catalogue.members.setStatus(uuid(8), 'eve', 'rejected');
    catalogue.members.setStatus(uuid(9), 'eve', 'accepted');
  });

  test.each(actors)('pages are as the rules say: $name, $role', (actor) => {
    const images = owned.map((_, n) => catalogue.images.get(uuid(n))).reverse();
    const seen = images
      .filter((image) => isReadable(actor, image) && isInLists(actor, image))
      .map((image) => image.id);
    const paged: string[] = [];
    for (let marker: string | undefined; ; ) {
      const page = catalogue.images.page({ limit: 2, marker, readableBy: actor });
      paged.push(...page.map((image) => image.id));
      marker = page.at(-1)?.id;
      // Full pages, not pages with holes: only the last is short.
      if (page.length < 2) break;
    }
    expect(paged).toEqual(seen);
    const jobsOf = (imageId?: string) =>
      catalogue.jobs.page({ imageId, all: true, limit: 99, readableBy: actor }).map((job) => job.imageId);
    expect(jobsOf()).toEqual(images.filter((image) => isInLists(actor, image)).map((image) => image.id));
    // Of one image, also of one that was offered and not accepted.
    const known = images.filter((image) => maySee(actor, image)).map((image) => image.id);
    expect(images.flatMap(({ id }) => jobsOf(id))).toEqual(known);
  });

  test('without an operator pages hold all', () => {
    expect(catalogue.images.page({ limit: 99 })).toHaveLength(9);
    expect(catalogue.jobs.page({ all: true, limit: 99 })).toHaveLength(10);
  });

  test('a marker tells nobody of an image', () => {
    const page = (marker: string) =>
      catalogue.images.page({ limit: 9, marker, readableBy: actors[2] as Actor });
    expect(() => page(uuid(2))).toThrow(`image ${uuid(2)} is not in the catalogue`);
    expect(() => page(uuid(99))).toThrow(`image ${uuid(99)} is not in the catalogue`);
    expect(page(uuid(5)).map((image) => image.id)).toEqual([uuid(4), uuid(1)]);
  });
});

describe('copies', () => {
  beforeEach(() => {
    scratch.withStores();
    catalogue.images.insert(ID, DRAFT, 'r');
  });

  test('are present only with the root that was read back', () => {
    catalogue.copies.set(ID, 'dcn0', 'copying');
    expect(() => catalogue.copies.set(ID, 'dcn0', 'present')).toThrow(/CHECK/);
    catalogue.copies.set(ID, 'dcn0', 'present', { verifiedRoot: ROOT });
    expect(catalogue.copies.find(ID, 'dcn0')).toMatchObject({ state: 'present', verifiedRoot: ROOT });
  });

  test('forget their digest when they are no longer to be trusted, and keep it while being deleted', () => {
    scratch.present(ID, 'dcn0');
    catalogue.copies.set(ID, 'dcn0', 'deleting');
    expect(catalogue.copies.find(ID, 'dcn0')?.verifiedRoot).toBe(ROOT);
    catalogue.copies.set(ID, 'dcn0', 'present');
    catalogue.copies.set(ID, 'dcn0', 'lost', { reason: 'gone' });
    expect(catalogue.copies.find(ID, 'dcn0')).toMatchObject({ verifiedRoot: undefined, reason: 'gone' });
  });

  test('move only as the states allow', () => {
    expect(() => catalogue.copies.set(ID, 'dcn0', 'present', { verifiedRoot: ROOT })).toThrow(
      /from absent to present/,
    );
  });
});

describe('jobs and tasks', () => {
  const spec = { kind: 'copy', storeIds: ['dcn0'], allMustSucceed: false } as const;
  const insert = (id: string) =>
    catalogue.jobs.insert({ id, imageId: ID, spec, requestedBy: 'ada', requestId: 'r' });

  beforeEach(() => {
    scratch.withStores();
    catalogue.images.insert(ID, DRAFT, 'r');
  });

  test('keep the order of arrival over restarts', () => {
    for (const id of ['j3', 'j1', 'j2']) insert(id);
    reopen();
    expect(catalogue.jobs.unendedOfImage(ID).map((job) => job.id)).toEqual(['j3', 'j1', 'j2']);
    expect(catalogue.jobs.page({ all: false, limit: 2 }).map((job) => job.id)).toEqual(['j2', 'j1']);
  });

  test('two jobs of an image are never at work at once, by the schema itself', () => {
    insert('j1');
    insert('j2');
    catalogue.jobs.setState('j1', 'running');
    expect(() => catalogue.jobs.setState('j2', 'running')).toThrow(/UNIQUE/);
  });

  test('an ended job stays ended', () => {
    insert('j1');
    catalogue.jobs.setState('j1', 'cancelled', { code: 'CANCELLED', message: 'cancelled' });
    expect(() => catalogue.jobs.setState('j1', 'running')).toThrow(/from cancelled to running/);
    expect(catalogue.jobs.get('j1').reason).toEqual({ code: 'CANCELLED', message: 'cancelled' });
  });

  test('a task keeps its attempt and failures when only its state changes', () => {
    insert('j1');
    const task = { id: 't1', jobId: 'j1', imageId: ID, storeId: 'dcn0', kind: 'copy' as const };
    catalogue.tasks.insert({ ...task, sourceStoreId: 'central' });
    catalogue.tasks.set('t1', 'assigned', { attempt: 3, failures: 2 });
    catalogue.tasks.set('t1', 'running');
    reopen();
    expect(catalogue.tasks.get('t1')).toMatchObject({ state: 'running', attempt: 3, failures: 2 });
    catalogue.tasks.set('t1', 'done');
    expect(() => catalogue.tasks.set('t1', 'queued')).toThrow(/from done to queued/);
    expect(catalogue.tasks.unended()).toEqual([]);
  });
});
