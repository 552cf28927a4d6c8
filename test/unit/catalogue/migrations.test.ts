import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { core } from '../../../src/catalogue/migrations/0001-core.ts';
import { MIGRATIONS } from '../../../src/catalogue/migrations/index.ts';
import { Scratch, uuid } from './scratch.ts';

const ID = uuid(1);
const ROOT = 'a'.repeat(64);

/** What a hub of schema 1 left behind: an image at two sites, a job under way, and its events. */
function writeSchemaOne(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const sqlite = new Database(path);
  sqlite.exec(core);
  sqlite.pragma('user_version = 1');
  sqlite.exec(`
    INSERT INTO manifests VALUES ('${ROOT}', x'00');
    INSERT INTO images VALUES ('${ID}', 'active', 'debian', 'private', 'ada', 0, 0, 'raw', 'bare', 0, 0, '[]', '{}',
      4096, 4096, 0, 'c', 'sha512', 'd', '${ROOT}', 10, 20);
    INSERT INTO stores VALUES ('central', 'central', 'rbd', 'f0', 'images', 77), ('dcn0', 'edge', NULL, NULL, NULL, NULL);
    INSERT INTO copies VALUES ('${ID}', 'central', 'present', NULL, '${ROOT}', 15, 15),
      ('${ID}', 'dcn0', 'failed', 'left over from job j0, cancelled', NULL, NULL, 16);
    INSERT INTO jobs (id, image_id, kind, spec, state, requested_by, request_id, created_at_ms)
      VALUES ('j1', '${ID}', 'copy', '{"kind":"copy","storeIds":["dcn0"],"allMustSucceed":false}', 'queued', 'ada', 'r1', 30);
    INSERT INTO events (at_ms, kind, image_id, request_id, detail) VALUES (10, 'image.created', '${ID}', 'r0', '{"name":"debian"}');
    INSERT INTO events (at_ms, kind, image_id, store_id, detail) VALUES (15, 'copy.present', '${ID}', 'central', '{}');
  `);
  sqlite.close();
}

let scratch: Scratch;

beforeEach(() => {
  scratch = new Scratch();
});

afterEach(() => scratch[Symbol.dispose]());

describe('a catalogue of schema 1', () => {
  beforeEach(() => {
    scratch[Symbol.dispose]();
    writeSchemaOne(scratch.path);
    scratch.reopen();
  });

  test('is taken over with all it holds', () => {
    const { catalogue } = scratch;
    expect(catalogue.stores.all()).toEqual([
      {
        id: 'central',
        role: 'central',
        identity: { driver: 'rbd', fsid: 'f0', pool: 'images' },
        lastSeenMs: 77,
        revoked: false,
      },
      { id: 'dcn0', role: 'edge', identity: undefined, lastSeenMs: undefined, revoked: false },
    ]);
    expect(catalogue.images.get(ID)).toMatchObject({ status: 'active', data: { root: ROOT } });
    expect(catalogue.copies.find(ID, 'central')).toMatchObject({ state: 'present', isLeftOver: false });
    expect(catalogue.copies.find(ID, 'dcn0')).toMatchObject({ state: 'failed', isLeftOver: true });
    expect(catalogue.usesOf('dcn0').jobs).toEqual(['j1']);
    expect(catalogue.operators.all()).toEqual([]);
  });

  test('has events of nobody until now', () => {
    const { catalogue } = scratch;
    catalogue.stores.revoke('dcn0');
    expect(catalogue.events.list({ limit: 9 })).toMatchObject([
      { sequence: 1, kind: 'image.created', actor: '', peer: '', outcome: 'done', requestId: 'r0' },
      { sequence: 2, kind: 'copy.present', actor: '', storeId: 'central' },
      { sequence: 3, kind: 'store.revoked', actor: 'hub', outcome: 'done' },
    ]);
  });

  test('has the schema of a new one', () => {
    const schema = (sqlite: Database.Database) =>
      sqlite.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
    using fresh = new Scratch();
    expect(scratch.inspect(schema)).toEqual(fresh.inspect(schema));
    scratch.inspect((sqlite) => {
      expect(sqlite.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
      expect(sqlite.pragma('integrity_check', { simple: true })).toBe('ok');
      expect(sqlite.pragma('foreign_key_check')).toEqual([]);
      expect(() => sqlite.prepare(`UPDATE events SET kind = 'x'`).run()).toThrow(/never changed/);
    });
  });
});

test('a migration that fails leaves the file as it was', () => {
  scratch[Symbol.dispose]();
  writeSchemaOne(scratch.path);
  const before = new Database(scratch.path);
  // In the way of the new schema.
  before.exec('CREATE TABLE operators (x INTEGER)');
  before.close();
  expect(() => scratch.reopen()).toThrow(/is not usable/);
  const after = new Database(scratch.path);
  expect(after.pragma('user_version', { simple: true })).toBe(1);
  expect(after.prepare(`SELECT name FROM sqlite_schema WHERE name = 'join_tokens'`).get()).toBeUndefined();
  after.exec('DROP TABLE operators');
  after.close();
  scratch.reopen();
  expect(scratch.catalogue.stores.all()).toHaveLength(2);
});
