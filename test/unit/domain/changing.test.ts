import { describe, expect, test } from 'vitest';
import type { Image, ImageChanges, ImageStatus } from '../../../src/domain/image.ts';
import {
  type Actor,
  requireChangeable,
  requireDraftAllowed,
  requireMayAnswer,
  requireMayShare,
  requireNewMember,
  requireNotDeactivated,
  requireSettled,
  visibleMembers,
} from '../../../src/domain/rules/index.ts';
import { image, verdict } from './picture.ts';

const ADA: Actor = { name: 'ada', role: 'member' };
const BOB: Actor = { name: 'bob', role: 'member' };
const EVE: Actor = { name: 'eve', role: 'reader' };
const ROOT: Actor = { name: 'root', role: 'admin' };
const ADA_AS_READER: Actor = { name: 'ada', role: 'reader' };

const NOTHING: ImageChanges = { properties: {}, removedProperties: [], addedTags: [], removedTags: [] };

describe('the record of an image of ada', () => {
  test.each<[string, Actor, Partial<ImageChanges>, ImageStatus, string]>([
    ['its owner', ADA, { name: 'x' }, 'active', 'allowed'],
    ['its owner, a reader by now', ADA_AS_READER, { name: 'x' }, 'active', 'FORBIDDEN R11'],
    ['somebody else', BOB, { name: 'x' }, 'active', 'FORBIDDEN R11'],
    ['an admin', ROOT, { name: 'x' }, 'active', 'allowed'],
    ['its owner: community', ADA, { visibility: 'community' }, 'active', 'allowed'],
    ['its owner: public', ADA, { visibility: 'public' }, 'active', 'FORBIDDEN R11'],
    ['an admin: public', ROOT, { visibility: 'public' }, 'active', 'allowed'],
    ['its owner: to bob', ADA, { owner: 'bob' }, 'active', 'FORBIDDEN R11'],
    ['its owner: to itself', ADA, { owner: 'ada' }, 'active', 'allowed'],
    ['an admin: to bob', ROOT, { owner: 'bob' }, 'active', 'allowed'],
    ['a format, queued', ADA, { diskFormat: 'qcow2', containerFormat: 'ovf' }, 'queued', 'allowed'],
    ['a format, with data', ADA, { diskFormat: 'qcow2' }, 'active', 'FORBIDDEN'],
    ['a format, with data, an admin', ROOT, { containerFormat: 'ovf' }, 'uploading', 'FORBIDDEN'],
    ['the format it has', ADA, { diskFormat: 'raw', containerFormat: 'bare' }, 'active', 'allowed'],
    ['while deactivated', ADA, { name: 'x' }, 'deactivated', 'allowed'],
    ['a property that is not there', ADA, { removedProperties: ['a'] }, 'active', 'NOT_FOUND'],
    ['a tag that is not there', ADA, { removedTags: ['a'] }, 'active', 'NOT_FOUND'],
    ['one that is deleted', ROOT, { name: 'x' }, 'deleted', 'NOT_FOUND'],
  ])('%s', (_, actor, changes, status, expected) => {
    const change = () =>
      void requireChangeable(actor, image({ owner: 'ada', status }), { ...NOTHING, ...changes });
    expect(verdict(change)).toBe(expected);
  });

  test('keeps all that is not named', () => {
    const before: Image = { ...image({ owner: 'ada' }), tags: ['a', 'b'], properties: { k: '1', l: '2' } };
    const { id: _, status: _s, data: _d, createdAtMs: _c, updatedAtMs: _u, ...record } = before;
    expect(requireChangeable(ADA, before, NOTHING)).toEqual(record);
    const changes: ImageChanges = {
      minDiskGib: 3,
      protected: true,
      properties: { l: '3', m: '4' },
      removedProperties: ['k'],
      addedTags: ['c', 'b'],
      removedTags: ['a'],
    };
    expect(requireChangeable(ADA, before, changes)).toEqual({
      ...record,
      minDiskGib: 3,
      protected: true,
      properties: { l: '3', m: '4' },
      tags: ['b', 'c'],
    });
  });

  test('is made by whoever owns it, and public ones by admins', () => {
    const draft = (owner: string, visibility: 'public' | 'community') => () =>
      requireDraftAllowed(ADA, { owner, visibility });
    expect(verdict(draft('ada', 'community'))).toBe('allowed');
    expect(verdict(draft('ada', 'public'))).toBe('FORBIDDEN R11');
    expect(verdict(draft('bob', 'community'))).toBe('FORBIDDEN R11');
    const byAdmin = () => requireDraftAllowed(ROOT, { owner: 'bob', visibility: 'public' });
    expect(verdict(byAdmin)).toBe('allowed');
  });
});

describe('the members of an image of ada', () => {
  const shared = image({ owner: 'ada', visibility: 'shared', members: 'bob=pending carl=accepted' });

  test.each<[string, Actor, string, string, number | string]>([
    //                    adds                answers for bob   sees of them
    ['its owner', ADA, '  allowed', '         FORBIDDEN', '    2'],
    ['a member', BOB, '   FORBIDDEN R11', '   allowed', '      1'],
    ['a reader', EVE, '   FORBIDDEN R11', '   FORBIDDEN', '    2'],
    ['an admin', ROOT, '  allowed', '         allowed', '      2'],
    ['a stranger', { name: 'dan', role: 'member' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  ])('%s', (_, actor, adds, answers, sees) => {
    expect(verdict(() => requireMayShare(actor, shared))).toBe(adds.trim());
    expect(verdict(() => requireMayAnswer(actor, shared, 'bob'))).toBe(answers.trim());
    expect(String(verdict(() => visibleMembers(actor, shared, shared.members ?? []).length))).toBe(
      String(sees).trim(),
    );
  });

  test('are of shared images alone, each once, and not the owner', () => {
    expect(verdict(() => requireMayShare(ADA, image({ owner: 'ada' })))).toBe('FORBIDDEN');
    expect(verdict(() => requireNewMember(shared, 'dan'))).toBe('allowed');
    expect(verdict(() => requireNewMember(shared, 'bob'))).toBe('ALREADY_EXISTS');
    expect(verdict(() => requireNewMember(shared, 'ada'))).toBe('INVALID');
    const many = Array.from({ length: 128 }, (_, n) => `m${n}=accepted`).join(' ');
    const full = image({ owner: 'ada', visibility: 'shared', members: many });
    expect(verdict(() => requireNewMember(full, 'dan'))).toBe('CONFLICT');
  });
});

test.each<[ImageStatus, string, string]>([
  ['queued', 'CONFLICT', 'allowed'],
  ['importing', 'CONFLICT', 'allowed'],
  ['active', 'allowed', 'allowed'],
  ['deactivated', 'allowed', 'CONFLICT'],
  ['pending_delete', 'NOT_FOUND', 'allowed'],
])('an image that is %s is deactivated and reactivated: %s; is copied: %s', (status, settles, copies) => {
  for (const verb of ['deactivate', 'reactivate'] as const) {
    expect(verdict(() => requireSettled(image({ status }), verb))).toBe(settles);
  }
  expect(verdict(() => requireNotDeactivated(image({ status })))).toBe(copies);
});
