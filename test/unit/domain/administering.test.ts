import { describe, expect, test } from 'vitest';
import type { Operator } from '../../../src/domain/operator.ts';
import {
  centralOf,
  foresee,
  importProgress,
  type OperatorRole,
  requireAdminLeft,
  requireImageDeletable,
  requireStoreRemovable,
  type StoreUses,
} from '../../../src/domain/rules/index.ts';
import { verdict, view } from './picture.ts';

/** `12 copies, sole a b, jobs j1, deletes j2, 3 images, 1 other` */
function uses(text: string): StoreUses {
  const parts = text.split(', ').map((part) => part.split(' '));
  const number = (word: string) => Number(parts.find((part) => part[1] === word)?.[0] ?? 0);
  const names = (word: string) => parts.find((part) => part[0] === word)?.slice(1) ?? [];
  return {
    copies: number('copies'),
    soleCopies: names('sole'),
    jobs: names('jobs'),
    deletions: names('deletes'),
    images: number('images'),
    otherStores: number('other'),
  };
}

const EDGE = { id: 'dcn0', role: 'edge' } as const;
const CENTRAL = { id: 'central', role: 'central' } as const;

describe('a store is removed', () => {
  test.each<[string, typeof EDGE | typeof CENTRAL, string, string, string]>([
    //                                                                 kept        orphaned
    ['an edge with nothing', EDGE, '9 images, 2 other', '              allowed', ' allowed'],
    ['an edge with copies', EDGE, '12 copies, 12 images, 2 other', '   IN_USE', '  allowed'],
    ['where a delete waits', EDGE, 'deletes j1, 2 other', '            IN_USE', '  allowed'],
    ['with the only copy of an image', EDGE, '1 copies, sole a', '     IN_USE R8', 'IN_USE R8'],
    ['a job is about to use it', EDGE, 'jobs j1', '                    IN_USE', '  IN_USE'],
    ['a job will use what another deletes', EDGE, 'jobs j1, deletes j2', 'IN_USE', 'IN_USE'],
    ['central, the last of all', CENTRAL, '0 copies', '                allowed', ' allowed'],
    ['central, deletes wait for it alone', CENTRAL, '1 copies, deletes j1', 'IN_USE', 'allowed'],
    ['central, there are images', CENTRAL, '1 images', '               IN_USE', '  IN_USE'],
    ['central, there are edges', CENTRAL, '1 other', '                 IN_USE', '  IN_USE'],
  ])('%s', (_, store, text, kept, orphaned) => {
    expect(verdict(() => requireStoreRemovable(store, uses(text), false))).toBe(kept.trim());
    expect(verdict(() => requireStoreRemovable(store, uses(text), true))).toBe(orphaned.trim());
  });

  test('what it would orphan is said, all of it', () => {
    const text = '12 copies, sole a b, jobs j1, deletes j2 j3, 9 images';
    expect(() => requireStoreRemovable(EDGE, uses(text), false)).toThrow(
      'store dcn0 is not removed: 12 copies; 2 images with the only copy there: a, b; ' +
        '1 job about to use it: j1; 2 jobs still deleting there: j2, j3',
    );
    expect(() => requireStoreRemovable(EDGE, uses('7 copies, sole a b c d e f g'), true)).toThrow(
      '7 images with the only copy there: a, b, c, d, e and 2 more',
    );
  });
});

describe('a cloud without a central store', () => {
  const bare = { ...view({ status: 'queued' }), stores: [] };

  test('says what to do where one is needed', () => {
    expect(verdict(() => centralOf([]))).toBe('CONFLICT');
    expect(() => centralOf([])).toThrow(/no central store yet/);
  });

  test('shows and deletes records all the same', () => {
    expect(importProgress(bare.copies, bare.jobs, bare.stores)).toEqual({ importingTo: [], failed: [] });
    expect(foresee(bare).holders.size).toBe(0);
    expect(verdict(() => requireImageDeletable(bare))).toBe('allowed');
  });
});

describe('an admin is left', () => {
  /** `ada=admin bob=admin(revoked)` */
  const operators = (text: string) =>
    text.split(' ').map((word): Operator => {
      const [name = '', role = ''] = word.replace('(revoked)', '').split('=');
      const revokedAtMs = word.endsWith('(revoked)') ? 5 : undefined;
      return { name, role: role as OperatorRole, createdAtMs: 1, revokedAtMs };
    });

  test.each([
    ['ada=admin', 'ada', 'CONFLICT'],
    ['ada=admin bob=member', 'ada', 'CONFLICT'],
    ['ada=admin bob=admin(revoked)', 'ada', 'CONFLICT'],
    ['ada=admin bob=admin(revoked)', 'bob', 'allowed'],
    ['ada=admin bob=admin', 'ada', 'allowed'],
    ['ada=admin bob=member', 'bob', 'allowed'],
    ['ada=admin bob=reader', 'nobody-there', 'allowed'],
  ])('%s, without %s', (text, name, expected) => {
    expect(verdict(() => requireAdminLeft(operators(text), name))).toBe(expected);
  });
});
