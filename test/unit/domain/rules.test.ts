import { describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import {
  acceptIdentity,
  ahead,
  type CopyRequest,
  chooseImageId,
  decideCopy,
  foresee,
  importProgress,
  isImported,
  locationsOf,
  mustReachCentralFirst,
  namedStores,
  outcomeOf,
  requireOwner,
  requireVerified,
  sourceFor,
  usableStores,
} from '../../../src/domain/rules/index.ts';
import type { StoreIdentity, StoreRecord } from '../../../src/domain/store.ts';
import { IMAGE_ID, image, job, type Picture, ROOT, STORES, storesWith, verdict, view } from './picture.ts';

const UUID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

describe('R1: one UUID, minted or given', () => {
  test.each([
    ['none given', undefined, false, 'minted'],
    ['empty', '', false, 'minted'],
    ['valid and unused', UUID, false, UUID],
    ['upper case', UUID.toUpperCase(), false, UUID],
    ['used', UUID, true, 'ALREADY_EXISTS R1'],
    ['not a UUID', 'debian', false, 'INVALID'],
    ['braces', `{${UUID}}`, false, 'INVALID'],
  ])('%s', (_, requested, taken, expected) => {
    expect(
      verdict(() =>
        chooseImageId(
          requested,
          () => taken,
          () => 'minted',
        ),
      ),
    ).toBe(expected);
  });
});

describe('R2: central first', () => {
  test.each<[Picture, string, string | undefined, string]>([
    [{ copies: 'central=present' }, 'dcn0', undefined, 'central'],
    [{ copies: 'central=copying dcn1=present' }, 'dcn0', undefined, 'CONFLICT R2'],
    [{ copies: 'dcn1=present' }, 'dcn0', undefined, 'CONFLICT R2'],
    [{ copies: '' }, 'dcn0', undefined, 'CONFLICT R2'],
    [{ copies: 'dcn0=copying' }, 'central', 'dcn0', 'dcn0'],
    [{ copies: 'central=lost dcn1=present' }, 'central', undefined, 'dcn1'],
    [{ copies: 'central=lost dcn1=failed' }, 'central', undefined, 'CONFLICT R2'],
    [{ copies: 'central=lost dcn0=present dcn1=present', revoked: 'dcn0' }, 'central', undefined, 'dcn1'],
    [{ copies: 'central=lost dcn0=present', revoked: 'dcn0' }, 'central', undefined, 'dcn0'],
  ])('%j to %s', (picture, target, entry, expected) => {
    expect(verdict(() => sourceFor(target, view(picture), entry))).toBe(expected);
  });
});

test('R3: what enters at an edge must reach central first', () => {
  expect(mustReachCentralFirst('dcn0', STORES)).toBe(true);
  expect(mustReachCentralFirst('central', STORES)).toBe(false);
});

const stores = (...storeIds: string[]): CopyRequest => ({
  storeIds,
  allStores: false,
  allMustSucceed: false,
});
const all: CopyRequest = { storeIds: [], allStores: true, allMustSucceed: false };
const must = (request: CopyRequest): CopyRequest => ({ ...request, allMustSucceed: true });

function decided(request: CopyRequest, picture: Picture): unknown {
  return verdict(() => {
    const decision = decideCopy(request, view(picture));
    if (decision.do === 'join') return `join ${decision.job.id}`;
    return decision.do === 'queue' ? `queue ${decision.spec.storeIds.join()}` : 'nothing';
  });
}

describe('R4: copy to named stores and to all', () => {
  test.each<[string, CopyRequest, Picture, string]>([
    ['a store that lacks it', stores('dcn0'), { copies: 'central=present' }, 'queue dcn0'],
    ['twice the same name', stores('dcn0', 'dcn0'), { copies: 'central=present' }, 'queue dcn0'],
    ['one unknown: whole request', stores('dcn0', 'mars'), { copies: 'central=present' }, 'INVALID R4'],
    ['no name', stores(), { copies: 'central=present' }, 'INVALID R4'],
    [
      'one holds it: whole request',
      stores('dcn0', 'dcn1'),
      { copies: 'central=present dcn1=present' },
      'ALREADY_EXISTS R4',
    ],
    ['central holds it', stores('central'), { copies: 'central=present' }, 'ALREADY_EXISTS R4'],
    ['a failed one again', stores('dcn0'), { copies: 'central=present dcn0=failed' }, 'queue dcn0'],
    ['a lost one again', stores('dcn0'), { copies: 'central=present dcn0=lost' }, 'queue dcn0'],
    ['all: those that lack it', all, { copies: 'central=present dcn1=present' }, 'queue dcn0,dcn2'],
    [
      'all: none lacks it',
      all,
      { copies: 'central=present dcn0=present dcn1=present dcn2=present' },
      'nothing',
    ],
    [
      'all: a lost central comes back too',
      all,
      { copies: 'central=lost dcn0=present dcn1=present dcn2=present' },
      'queue central',
    ],
    [
      'one revoked: whole request',
      stores('dcn0', 'dcn1'),
      { copies: 'central=present', revoked: 'dcn1' },
      'CONFLICT R4',
    ],
    [
      'unknown comes before revoked',
      stores('dcn1', 'mars'),
      { copies: 'central=present', revoked: 'dcn1' },
      'INVALID R4',
    ],
    ['another is revoked', stores('dcn0'), { copies: 'central=present', revoked: 'dcn1' }, 'queue dcn0'],
    ['all: without those revoked', all, { copies: 'central=present', revoked: 'dcn0 dcn2' }, 'queue dcn1'],
    [
      'all: only revoked ones lack it',
      all,
      { copies: 'central=present', revoked: 'dcn0 dcn1 dcn2' },
      'nothing',
    ],
    [
      'central is revoked: waits as when it is away',
      stores('dcn0'),
      { copies: 'central=present', revoked: 'central' },
      'queue dcn0',
    ],
    ['no data at all', stores('dcn0'), { status: 'queued' }, 'CONFLICT'],
    ['deactivated', stores('dcn0'), { copies: 'central=present', status: 'deactivated' }, 'CONFLICT'],
    ['deleted', stores('dcn0'), { status: 'deleted' }, 'NOT_FOUND'],
    [
      'on its way to be deleted',
      stores('dcn0'),
      { copies: 'central=deleting', status: 'pending_delete' },
      'NOT_FOUND',
    ],
    ['central lost, edge asked for', stores('dcn0'), { copies: 'central=lost dcn1=present' }, 'CONFLICT R2'],
    [
      'central lost, central asked for',
      stores('central'),
      { copies: 'central=lost dcn1=present' },
      'queue central',
    ],
  ])('%s', (_, request, picture, expected) => {
    expect(decided(request, picture)).toBe(expected);
  });
});

describe('R5: in order of arrival, joined where it is being made, never refused for being early', () => {
  const central = 'central=present';
  test.each<[string, CopyRequest, Picture, string]>([
    [
      'the same again',
      stores('dcn0'),
      { copies: `${central} dcn0=copying`, jobs: ['copy dcn0'] },
      'join job-1',
    ],
    ['part of it', stores('dcn1'), { copies: central, jobs: ['copy dcn0,dcn1'] }, 'join job-1'],
    ['a waiting one', stores('dcn1'), { copies: central, jobs: ['copy dcn0', 'copy dcn1'] }, 'join job-2'],
    ['more than it', stores('dcn0', 'dcn1'), { copies: central, jobs: ['copy dcn0'] }, 'queue dcn0,dcn1'],
    [
      'what two jobs make',
      stores('dcn0', 'dcn1'),
      { copies: central, jobs: ['copy dcn0', 'copy dcn1'] },
      'queue dcn0,dcn1',
    ],
    ['all, being made', all, { copies: central, jobs: ['copy dcn0,dcn1,dcn2'] }, 'join job-1'],
    ['all, some being made', all, { copies: central, jobs: ['copy dcn0'] }, 'queue dcn0,dcn1,dcn2'],
    [
      'must succeed does not join what may fail',
      must(stores('dcn0')),
      { copies: central, jobs: ['copy dcn0'] },
      'queue dcn0',
    ],
    [
      'may fail joins what must succeed',
      stores('dcn0'),
      { copies: central, jobs: ['copy! dcn0'] },
      'join job-1',
    ],
    [
      'not what is being cancelled',
      stores('dcn0'),
      { copies: central, jobs: ['copy dcn0 (cancelled)'] },
      'queue dcn0',
    ],
    [
      'before the data is in',
      stores('dcn0'),
      { status: 'uploading', jobs: ['import central'] },
      'queue dcn0',
    ],
    [
      'what the import will do',
      stores('dcn0'),
      { status: 'uploading', jobs: ['import central > dcn0'] },
      'join job-1',
    ],
    [
      'after its removal',
      stores('dcn0'),
      { copies: `${central} dcn0=deleting`, jobs: ['delete-copy dcn0'] },
      'queue dcn0',
    ],
    [
      'present, but about to go',
      stores('dcn0'),
      { copies: `${central} dcn0=present`, jobs: ['copy dcn1', 'delete-copy dcn0'] },
      'queue dcn0',
    ],
    [
      'the image about to go',
      stores('dcn1'),
      { copies: central, jobs: ['copy dcn0', 'delete'] },
      'CONFLICT R5',
    ],
    [
      'a cancelled delete does not count',
      stores('dcn1'),
      { copies: central, jobs: ['delete (cancelled)'] },
      'queue dcn1',
    ],
  ])('%s', (_, request, picture, expected) => {
    expect(decided(request, picture)).toBe(expected);
  });

  test('the place of a job is what is before it', () => {
    const jobs = [job('copy dcn0', 0), job('copy dcn1', 1), job('delete', 2)];
    expect(jobs.map((one) => ahead(one, jobs).map((other) => other.id))).toEqual([
      [],
      ['job-1'],
      ['job-1', 'job-2'],
    ]);
  });

  test('foresight folds the jobs in their order', () => {
    const { holders } = foresee(
      view({ copies: 'central=present dcn0=present', jobs: ['copy dcn1', 'delete-copy dcn0'] }),
    );
    expect([...holders.keys()]).toEqual(['central', 'dcn1']);
  });
});

describe('R6: listed only when verified', () => {
  test.each<[Picture, string[]]>([
    [{ copies: 'central=present dcn0=present' }, ['central', 'dcn0']],
    [{ copies: 'central=present dcn0=copying dcn1=failed dcn2=lost' }, ['central']],
    [{ copies: 'dcn0=present central=present' }, ['central', 'dcn0']],
    [{ copies: 'central=present', status: 'importing' }, []],
    [{ copies: 'central=deleting', status: 'pending_delete' }, []],
    [{ copies: 'central=corrupt' }, []],
  ])('%j', (picture, expected) => {
    expect(locationsOf(view(picture)).map((location) => location.storeId)).toEqual(expected);
  });

  test('not with another root than the image has', () => {
    const { copies, ...rest } = view({ copies: 'central=present' });
    const wrong = copies.map((copy) => ({ ...copy, verifiedRoot: 'f'.repeat(64) }));
    expect(locationsOf({ ...rest, copies: wrong })).toEqual([]);
  });

  test('the URL is the one Glance would write', () => {
    expect(locationsOf(view({ copies: 'central=present' }))[0]?.url).toBe(
      `rbd://00000000-0000-4000-8000-000000000000/images/${IMAGE_ID}/snap`,
    );
  });

  test.each([
    [ROOT, 'allowed'],
    ['f'.repeat(64), 'CORRUPT R6'],
    ['', 'CORRUPT R6'],
  ])('a report of root %s', (root, expected) => {
    expect(verdict(() => requireVerified(image(), 'dcn0', root))).toBe(expected);
  });
});

describe('R7: a failing store undoes nothing, unless all must succeed', () => {
  const made = (storeId: string) => ({ storeId, ended: 'made' as const });
  const there = (storeId: string) => ({ storeId, ended: 'there' as const });
  const failed = (storeId: string) => ({
    storeId,
    ended: 'failed' as const,
    reason: { code: 'NO_SPACE' as const, message: 'full' },
  });
  test.each([
    [[made('a'), made('b')], false, 'succeeded', []],
    [[made('a'), failed('b')], false, 'partial', []],
    [[there('a'), failed('b')], false, 'partial', []],
    [[failed('a'), failed('b')], false, 'failed', []],
    [[], false, 'succeeded', []],
    [[made('a'), made('b')], true, 'succeeded', []],
    [[made('a'), there('b'), failed('c')], true, 'failed', ['a']],
  ])('%j, all must succeed: %s', (outcomes, allMustSucceed, state, takeBack) => {
    expect(outcomeOf(outcomes, allMustSucceed)).toMatchObject({ state, takeBack });
  });

  test('the reason names each store', () => {
    expect(outcomeOf([made('a'), failed('b'), failed('c')], false).reason).toEqual({
      code: 'NO_SPACE',
      message: 'b: full; c: full',
    });
  });

  test('a store that was stopped because another failed is not the cause', () => {
    const stopped = { ...failed('a'), reason: { code: 'CANCELLED' as const, message: 'cancelled' } };
    expect(outcomeOf([stopped, failed('b')], true).reason).toEqual({
      code: 'NO_SPACE',
      message: 'b: full; a: cancelled',
    });
  });
});

describe('R10: one driver everywhere, a store is what it was', () => {
  const fresh: StoreRecord = {
    id: 'dcn9',
    role: 'edge',
    identity: undefined,
    lastSeenMs: undefined,
    revoked: false,
    rate: undefined,
    pausedAtMs: undefined,
  };
  const said: StoreIdentity = { driver: 'rbd', fsid: '99999999-0000-4000-8000-000000000000', pool: 'images' };
  const [pinned] = STORES as [StoreRecord];
  test.each<[string, StoreRecord, StoreIdentity, unknown]>([
    ['the first hello pins', fresh, said, said],
    ['the same again', pinned, pinned.identity as StoreIdentity, 'allowed'],
    ['another fsid', pinned, { ...said, driver: 'rbd' }, 'CONFLICT R10'],
    ['another pool', pinned, { ...(pinned.identity as StoreIdentity), pool: 'vms' }, 'CONFLICT R10'],
    ['another driver', pinned, { ...(pinned.identity as StoreIdentity), driver: 'file' }, 'CONFLICT R10'],
    ['a driver unlike the others', fresh, { ...said, driver: 'file' }, 'CONFLICT R10'],
    ['a pool that is another store', fresh, pinned.identity as StoreIdentity, 'CONFLICT R10'],
    ['no fsid', fresh, { ...said, fsid: '' }, 'INVALID R10'],
  ])('%s', (_, store, identity, expected) => {
    expect(verdict(() => acceptIdentity(store, identity, STORES))).toEqual(expected);
  });
});

describe('R11: the owner or an admin', () => {
  test.each([
    ['ada', 'member', 'allowed'],
    ['bob', 'member', 'FORBIDDEN R11'],
    ['bob', 'admin', 'allowed'],
    ['ada', 'reader', 'FORBIDDEN R11'],
  ] as const)('%s, %s', (name, role, expected) => {
    expect(verdict(() => requireOwner({ name, role }, image({ owner: 'ada' }), 'delete'))).toBe(expected);
  });
});

describe('stores a request may name', () => {
  test('the refusal of a revoked one says how its agent comes back', () => {
    expect(() => namedStores(['dcn1', 'dcn0'], storesWith('dcn0 dcn1'))).toThrow(
      expect.objectContaining({
        message: 'the agent of dcn0, dcn1 is cut off: nothing was queued',
        hint: expect.stringContaining('entrepot store add dcn0'),
      }),
    );
  });

  test('all stores are those that are not revoked', () => {
    expect(usableStores(storesWith('dcn1'))).toEqual(['central', 'dcn0', 'dcn2']);
  });
});

describe('R12: when an import makes the image active', () => {
  test.each([
    ['central=present', ['dcn0'], false, true],
    ['central=present dcn0=failed', ['dcn0'], false, true],
    ['central=copying dcn0=copying', [], false, false],
    ['central=present dcn0=copying', ['dcn0'], true, false],
    ['central=present dcn0=present', ['dcn0'], true, true],
    ['central=present', [], true, true],
  ])('%s for %j, all must succeed: %s', (copies, storeIds, allMustSucceed, expected) => {
    expect(isImported(view({ copies }).copies, STORES, { storeIds, allMustSucceed })).toBe(expected);
  });
});

describe('R13: what clients see meanwhile', () => {
  test.each<[Picture, string[], string[]]>([
    [{ copies: 'central=present dcn0=copying dcn1=copying', jobs: ['copy dcn0,dcn1'] }, ['dcn0', 'dcn1'], []],
    [{ copies: 'central=present dcn0=present dcn1=copying', jobs: ['copy dcn0,dcn1'] }, ['dcn1'], []],
    [{ copies: 'central=present dcn0=failed dcn1=copying', jobs: ['copy dcn0,dcn1'] }, ['dcn1'], ['dcn0']],
    [{ copies: 'central=present dcn0=failed' }, [], ['dcn0']],
    [
      { copies: 'dcn0=copying', status: 'uploading', jobs: ['import dcn0 > dcn1'] },
      ['central', 'dcn0', 'dcn1'],
      [],
    ],
    [{ copies: 'central=present', jobs: ['copy dcn0', 'copy dcn1'] }, ['dcn0', 'dcn1'], []],
    [{ copies: 'central=present dcn0=present' }, [], []],
  ])('%j', (picture, importingTo, failed) => {
    const { copies, jobs } = view(picture);
    expect(importProgress(copies, jobs, STORES)).toEqual({ importingTo, failed });
  });
});

test('every refusal of a rule is a Refusal with something to do or a reason', () => {
  expect(() => decideCopy(stores('mars'), view({ copies: 'central=present' }))).toThrow(Refusal);
});
