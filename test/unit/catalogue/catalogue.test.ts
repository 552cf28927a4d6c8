import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Catalogue } from '../../../src/catalogue/catalogue.ts';
import type { ImageDraft } from '../../../src/domain/image.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const ROOT = 'a'.repeat(64);
const DRAFT: ImageDraft = {
  name: 'debian',
  visibility: 'private',
  owner: 'ada',
  protected: false,
  osHidden: true,
  diskFormat: 'raw',
  containerFormat: 'bare',
  minDiskGib: 2,
  minRamMib: 512,
  tags: ['a', 'b'],
  properties: { os_distro: 'debian', empty: '' },
};
const DATA = {
  sizeBytes: 4096,
  virtualSizeBytes: 4096,
  dataBytes: 1024,
  checksum: 'c'.repeat(32),
  osHashAlgo: 'sha512' as const,
  osHashValue: 'd'.repeat(128),
  root: ROOT,
};

let folder: string;
let path: string;
let catalogue: Catalogue;
let nowMs = 1000;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-catalogue-'));
  path = join(folder, 'made', 'catalogue.sqlite');
  catalogue = Catalogue.open(path, () => nowMs);
});

afterEach(() => {
  catalogue[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function reopen(): void {
  catalogue[Symbol.dispose]();
  catalogue = Catalogue.open(path, () => nowMs);
}

/** The file as SQLite sees it, while the hub has let go of it. */
function inspect<T>(look: (sqlite: Database.Database) => T): T {
  catalogue[Symbol.dispose]();
  const sqlite = new Database(path);
  try {
    return look(sqlite);
  } finally {
    sqlite.close();
    catalogue = Catalogue.open(path, () => nowMs);
  }
}

const withStores = () =>
  catalogue.stores.configure([
    { id: 'central', role: 'central' },
    { id: 'dcn0', role: 'edge' },
  ]);

describe('the file', () => {
  test('is a WAL database with the schema this version has', () => {
    inspect((sqlite) => {
      expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(sqlite.pragma('user_version', { simple: true })).toBe(1);
    });
  });

  test('made by a newer hub is refused, and left as it is', () => {
    inspect((sqlite) => sqlite.pragma('user_version = 1'));
    catalogue[Symbol.dispose]();
    const sqlite = new Database(path);
    sqlite.pragma('user_version = 99');
    sqlite.close();
    expect(() => Catalogue.open(path)).toThrow(/has schema 99/);
    const again = new Database(path);
    expect(again.pragma('user_version', { simple: true })).toBe(99);
    again.pragma('user_version = 1');
    again.close();
    catalogue = Catalogue.open(path);
  });

  test('is held by one hub at a time', () => {
    expect(() => Catalogue.open(path)).toThrow(/held by another process/);
  });

  test('that is no database is refused with a sentence', () => {
    expect(() => Catalogue.open(folder)).toThrow(/cannot be opened/);
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
    const ids = Array.from({ length: 5 }, (_, n) => `00000000-0000-4000-8000-00000000000${n}`);
    for (const [n, id] of ids.entries()) {
      nowMs = 1000 + Math.floor(n / 2);
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

describe('copies', () => {
  beforeEach(() => {
    withStores();
    catalogue.images.insert(ID, DRAFT, 'r');
  });

  test('are present only with the root that was read back', () => {
    catalogue.copies.set(ID, 'dcn0', 'copying');
    expect(() => catalogue.copies.set(ID, 'dcn0', 'present')).toThrow(/CHECK/);
    catalogue.copies.set(ID, 'dcn0', 'present', { verifiedRoot: ROOT });
    expect(catalogue.copies.find(ID, 'dcn0')).toMatchObject({ state: 'present', verifiedRoot: ROOT });
  });

  test('forget their digest when they are no longer to be trusted, and keep it while being deleted', () => {
    catalogue.copies.set(ID, 'dcn0', 'copying');
    catalogue.copies.set(ID, 'dcn0', 'present', { verifiedRoot: ROOT });
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
    withStores();
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

describe('stores', () => {
  test('follow the configuration, but not out of the catalogue', () => {
    withStores();
    catalogue.images.insert(ID, DRAFT, 'r');
    catalogue.stores.configure([
      { id: 'central', role: 'central' },
      { id: 'dcn0', role: 'edge' },
      { id: 'dcn1', role: 'edge' },
    ]);
    catalogue.copies.set(ID, 'dcn0', 'copying');
    expect(() =>
      catalogue.transact(() => catalogue.stores.configure([{ id: 'central', role: 'central' }])),
    ).toThrow(/dcn0 is gone from the configuration/);
    // Nothing of a refused configuration is taken over.
    expect(catalogue.stores.all().map((store) => store.id)).toEqual(['central', 'dcn0', 'dcn1']);
    withStores();
    expect(catalogue.stores.all().map((store) => store.id)).toEqual(['central', 'dcn0']);
    expect(() => catalogue.stores.configure([{ id: 'dcn0', role: 'central' }])).toThrow(
      /was edge and is configured as central/,
    );
  });
});

describe('events', () => {
  test('tell every change in order, and are never changed', () => {
    withStores();
    catalogue.images.insert(ID, DRAFT, 'request-1');
    catalogue.copies.set(ID, 'dcn0', 'copying', { jobId: 'j1' });
    const events = catalogue.events.after(0, 100);
    expect(events.map((event) => event.kind)).toEqual([
      'store.added',
      'store.added',
      'image.created',
      'copy.copying',
    ]);
    expect(events[2]).toMatchObject({ imageId: ID, requestId: 'request-1', detail: { name: 'debian' } });
    expect(catalogue.events.after(events[1]?.sequence ?? 0, 1).map((event) => event.kind)).toEqual([
      'image.created',
    ]);
    inspect((sqlite) => {
      expect(() => sqlite.prepare(`UPDATE events SET kind = 'x'`).run()).toThrow(/never changed/);
    });
  });
});
