import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalogue } from '../../../src/catalogue/catalogue.ts';
import {
  type ImageFilter,
  type PageRequest,
  type Sort,
  selectImages,
} from '../../../src/catalogue/image-page.ts';
import type { Image } from '../../../src/domain/image.ts';
import { DRAFT, ROOT, Scratch, uuid } from './scratch.ts';

const ID = uuid(1);

let scratch: Scratch;
let catalogue: Catalogue;
beforeEach(() => {
  scratch = new Scratch();
  ({ catalogue } = scratch);
});
afterEach(() => scratch[Symbol.dispose]());

const events = () => catalogue.events.list({ limit: 1000 }).map(({ kind, detail }) => ({ kind, detail }));

describe('a record', () => {
  test('is changed as a whole, and the event says what', () => {
    catalogue.images.insert(ID, DRAFT, 'r');
    scratch.nowMs = 2000;
    const record = {
      ...DRAFT,
      name: 'new',
      protected: true,
      tags: ['b'],
      properties: { os_distro: 'x', n: '1' },
    };
    catalogue.transact(() => catalogue.images.change(ID, record));
    scratch.reopen();
    ({ catalogue } = scratch);
    expect(catalogue.images.get(ID)).toEqual({
      ...record,
      id: ID,
      status: 'queued',
      data: undefined,
      createdAtMs: 1000,
      updatedAtMs: 2000,
    });
    expect(events().slice(1)).toEqual([
      {
        kind: 'image.changed',
        detail: {
          name: { before: 'debian', after: 'new' },
          protected: { before: false, after: true },
          tags: { before: ['a', 'b'], after: ['b'] },
          properties: { set: ['os_distro', 'n'], removed: ['empty'] },
        },
      },
    ]);
  });

  test('that stays the same is not written, nor logged', () => {
    catalogue.images.insert(ID, DRAFT, 'r');
    scratch.nowMs = 2000;
    catalogue.images.change(ID, { ...DRAFT });
    expect(catalogue.images.get(ID).updatedAtMs).toBe(1000);
    expect(events()).toHaveLength(1);
  });
});

test('members live through pending, accepted and rejected, and count while the image is shared', () => {
  catalogue.images.insert(ID, { ...DRAFT, visibility: 'shared' }, 'r');
  catalogue.members.add(ID, 'bob');
  catalogue.members.add(ID, 'abe');
  scratch.nowMs = 2000;
  catalogue.members.setStatus(ID, 'bob', 'accepted');
  catalogue.members.setStatus(ID, 'bob', 'accepted');
  expect(catalogue.images.get(ID).members).toEqual([
    { imageId: ID, member: 'abe', status: 'pending', createdAtMs: 1000, updatedAtMs: 1000 },
    { imageId: ID, member: 'bob', status: 'accepted', createdAtMs: 1000, updatedAtMs: 2000 },
  ]);
  catalogue.images.change(ID, { ...DRAFT, visibility: 'private' });
  expect(catalogue.images.get(ID).members).toBeUndefined();
  expect(catalogue.members.remove(ID, 'abe').status).toBe('pending');
  expect(() => catalogue.members.get(ID, 'abe')).toThrow(`image ${ID} is not shared with abe`);
  expect(scratch.kinds()).toEqual([
    'image.created',
    'image.member-added',
    'image.member-added',
    'image.member-accepted',
    'image.changed',
    'image.member-removed',
  ]);
});

describe('a page', () => {
  /** Images in which each field has few values, so that orders have many ties. */
  function fill(): void {
    scratch.withStores();
    catalogue.transact(() => catalogue.manifests.put(ROOT, Buffer.from('m')));
    for (let n = 0; n < 24; n++) {
      scratch.nowMs = 1000 + Math.floor(n / 5);
      const id = uuid((n * 7) % 24);
      catalogue.images.insert(
        id,
        {
          ...DRAFT,
          name: `image-${n % 3}`,
          owner: n % 2 === 0 ? 'ada' : 'bob',
          visibility: n % 4 === 0 ? 'shared' : 'private',
          osHidden: n % 6 === 0,
          protected: n % 8 === 0,
          diskFormat: n % 5 === 0 ? 'iso' : 'raw',
          containerFormat: n % 7 === 0 ? 'ova' : 'bare',
          tags: [`t${n % 2}`, `u${n % 3}`],
          properties: { os_distro: n % 2 === 0 ? 'debian' : 'rhel', k: String(n % 4) },
        },
        'r',
      );
      if (n % 4 === 0) catalogue.members.add(id, 'eve');
      if (n % 8 === 0) catalogue.members.setStatus(id, 'eve', 'accepted');
      if (n % 3 !== 0) continue;
      const sizeBytes = 100 * (n % 5);
      const data = {
        sizeBytes,
        virtualSizeBytes: 1,
        dataBytes: 1,
        checksum: '',
        osHashValue: '',
        root: ROOT,
      };
      catalogue.images.setData(id, { ...data, osHashAlgo: 'sha512' });
      if (n % 2 === 0) scratch.present(id, 'dcn0');
      else catalogue.copies.set(id, 'dcn0', 'copying');
    }
    scratch.nowMs = 5000;
    catalogue.images.change(uuid(3), { ...DRAFT, name: 'image-1' });
  }
  beforeEach(fill);

  /** Page by page, `limit` at a time. */
  function all(request: Omit<PageRequest, 'limit'> = {}, limit = 5): Image[] {
    const found: Image[] = [];
    for (let marker: string | undefined; ; marker = found.at(-1)?.id) {
      const page = catalogue.images.page({ ...request, limit, marker });
      found.push(...page);
      if (page.length < limit) return found;
    }
  }

  const eve = { name: 'eve', role: 'member' } as const;
  const root = { name: 'root', role: 'admin' } as const;

  test.each<[string, Omit<PageRequest, 'limit'>, (image: Image) => boolean]>([
    ['name', { name: 'image-1' }, ({ name }) => name === 'image-1'],
    ['status', { status: 'queued' }, () => true],
    ['another status', { status: 'active' }, () => false],
    ['visibility', { visibility: 'shared' }, ({ visibility }) => visibility === 'shared'],
    ['owner', { owner: 'bob' }, ({ owner }) => owner === 'bob'],
    ['disk format', { diskFormat: 'iso' }, ({ diskFormat }) => diskFormat === 'iso'],
    ['container format', { containerFormat: 'ova' }, ({ containerFormat }) => containerFormat === 'ova'],
    ['hidden', { osHidden: true }, ({ osHidden }) => osHidden],
    ['not hidden', { osHidden: false }, ({ osHidden }) => !osHidden],
    ['protected', { protected: true }, (image) => image.protected],
    ['not protected', { protected: false }, (image) => !image.protected],
    ['tags', { tags: ['t1', 'u2'] }, ({ tags }) => tags.includes('t1') && tags.includes('u2')],
    [
      'properties',
      { properties: { os_distro: 'debian', k: '2' } },
      ({ properties }) => properties['os_distro'] === 'debian' && properties['k'] === '2',
    ],
    ['a value of another property', { properties: { k: 'debian' } }, () => false],
    [
      'size',
      { sizeMinBytes: 100, sizeMaxBytes: 300 },
      ({ data }) => data !== undefined && data.sizeBytes >= 100 && data.sizeBytes <= 300,
    ],
    ['store', { storeId: 'dcn0' }, ({ id }) => catalogue.copies.find(id, 'dcn0')?.state === 'present'],
    [
      'what eve accepted',
      { memberStatus: 'accepted', readableBy: eve },
      ({ members = [] }) => members.some(({ status }) => status === 'accepted'),
    ],
    [
      'what eve was offered',
      { memberStatus: 'pending', readableBy: eve },
      ({ members = [] }) => members.some(({ status }) => status === 'pending'),
    ],
    [
      'what is shared with eve',
      { memberStatus: 'all', readableBy: eve },
      ({ members = [] }) => members.length > 0,
    ],
    ['what is shared with an admin', { memberStatus: 'all', readableBy: root }, () => false],
    [
      'several at once',
      { name: 'image-0', owner: 'ada', tags: ['u0'], protected: false },
      (image) =>
        image.name === 'image-0' && image.owner === 'ada' && image.tags.includes('u0') && !image.protected,
    ],
  ])('holds images by %s', (_, request, isWanted) => {
    const every = all();
    expect(every).toHaveLength(24);
    const wanted = every.filter(isWanted).map(({ id }) => id);
    expect(all(request).map(({ id }) => id)).toEqual(wanted);
  });

  const sortValues = {
    name: (image: Image) => image.name,
    status: (image: Image) => image.status,
    size: (image: Image) => image.data?.sizeBytes ?? -1,
    created_at: (image: Image) => image.createdAtMs,
    updated_at: (image: Image) => image.updatedAtMs,
    id: (image: Image) => image.id,
    disk_format: (image: Image) => image.diskFormat,
    container_format: (image: Image) => image.containerFormat,
  };

  test.each([
    'name:asc',
    'name:desc',
    'status:asc',
    'size:asc',
    'size:desc',
    'created_at:asc',
    'updated_at:desc',
    'id:asc',
    'disk_format:asc',
    'container_format:desc',
    'name:asc size:desc',
    'size:desc name:asc created_at:desc',
    'disk_format:desc container_format:desc',
    'name:asc id:desc',
  ])('after page is in the order %s, without gap or repeat', (text) => {
    const sort = text.split(' ').map((one) => {
      const [key, direction] = one.split(':');
      return { key, direction } as Sort;
    });
    const keys: Sort[] = [...sort, { key: 'id', direction: sort[0]?.direction ?? 'desc' }];
    const compare = (one: Image, other: Image) => {
      for (const { key, direction } of keys) {
        const [a, b] = [sortValues[key](one), sortValues[key](other)];
        if (a !== b) return (a < b ? -1 : 1) * (direction === 'asc' ? 1 : -1);
      }
      return 0;
    };
    const expected = [...all()].sort(compare).map(({ id }) => id);
    expect(all({ sort }, 1).map(({ id }) => id)).toEqual(expected);
    expect(all({ sort }, 7).map(({ id }) => id)).toEqual(expected);
  });

  test.each<[string, ImageFilter & { sort?: Sort[] }, string]>([
    ['the default order', { osHidden: false }, 'images_by_age'],
    ['names', { sort: [{ key: 'name', direction: 'desc' }] }, 'images_by_name'],
    ['changes', { sort: [{ key: 'updated_at', direction: 'asc' }] }, 'images_by_change'],
    ['sizes', { sort: [{ key: 'size', direction: 'desc' }] }, 'images_by_size'],
    ['an owner', { owner: 'ada' }, 'images_by_owner'],
    ['a status', { status: 'queued' }, 'images_by_status'],
  ])('by %s is read from an index, without sorting', (_, request, index) => {
    const marker = catalogue.images.get(uuid(3));
    for (const at of [undefined, marker]) {
      const { sql, parameters } = selectImages({ ...request, limit: 5 }, at);
      const plan = scratch.inspect((sqlite) => sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(parameters));
      ({ catalogue } = scratch);
      const steps = JSON.stringify(plan);
      expect(steps).toContain(index);
      expect(steps).not.toContain('TEMP B-TREE');
    }
  });
});
