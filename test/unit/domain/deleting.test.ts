import { describe, expect, test } from 'vitest';
import type { Job, Task } from '../../../src/domain/job.ts';
import {
  nextToDelete,
  requireCancellable,
  requireCopyDeletable,
  requireImageDeletable,
  requireNoClones,
} from '../../../src/domain/rules/index.ts';
import { IMAGE_ID, image, job, type Picture, verdict, view } from './picture.ts';

describe('R8: delete from a store', () => {
  test.each<[string, string, Picture, string]>([
    ['an edge copy', 'dcn0', { copies: 'central=present dcn0=present' }, 'allowed'],
    ['central, no edge has it: the last', 'central', { copies: 'central=present' }, 'CONFLICT R8'],
    ['central, an edge has it', 'central', { copies: 'central=present dcn0=present' }, 'IN_USE R8'],
    [
      'central, a job is about to use it',
      'central',
      { copies: 'central=present', jobs: ['copy dcn0'] },
      'IN_USE R8',
    ],
    ['an edge without it', 'dcn1', { copies: 'central=present' }, 'NOT_FOUND R8'],
    ['unknown store', 'mars', { copies: 'central=present' }, 'NOT_FOUND R8'],
    [
      'at a revoked store: waits',
      'dcn0',
      { copies: 'central=present dcn0=present', revoked: 'dcn0' },
      'allowed',
    ],
    [
      'a failed copy, to be rid of what is left',
      'dcn0',
      { copies: 'central=present dcn0=failed' },
      'allowed',
    ],
    [
      'a copy being made: after it',
      'dcn0',
      { copies: 'central=present dcn0=copying', jobs: ['copy dcn0'] },
      'allowed',
    ],
    ['twice', 'dcn0', { copies: 'central=present dcn0=deleting', jobs: ['delete-copy dcn0'] }, 'allowed'],
    ['the last edge while central is lost', 'dcn0', { copies: 'central=lost dcn0=present' }, 'CONFLICT R8'],
    ['protected', 'dcn0', { copies: 'central=present dcn0=present', protected: true }, 'FORBIDDEN R8'],
    [
      'the image is about to go',
      'dcn0',
      { copies: 'central=present dcn0=present', jobs: ['delete'] },
      'CONFLICT R8',
    ],
    ['the image is gone', 'dcn0', { copies: 'dcn0=deleting', status: 'pending_delete' }, 'NOT_FOUND'],
  ])('%s', (_, storeId, picture, expected) => {
    expect(verdict(() => requireCopyDeletable(storeId, view(picture)))).toBe(expected);
  });

  test('clones are named', () => {
    const refusal = () =>
      requireNoClones(
        IMAGE_ID,
        new Map([
          ['dcn0', ['vms/a_disk', 'vms/b_disk']],
          ['dcn1', []],
        ]),
        'R8',
      );
    expect(refusal).toThrow(/dcn0: vms\/a_disk, vms\/b_disk$/);
    expect(verdict(refusal)).toBe('IN_USE R8');
    expect(verdict(() => requireNoClones(IMAGE_ID, new Map([['dcn0', []]]), 'R8'))).toBe('allowed');
  });
});

describe('R9: delete of an image', () => {
  test.each<[string, Picture, string]>([
    ['plain', { copies: 'central=present' }, 'allowed'],
    ['with jobs before it', { copies: 'central=present', jobs: ['copy dcn0'] }, 'allowed'],
    ['protected', { copies: 'central=present', protected: true }, 'FORBIDDEN R9'],
    ['twice', { copies: 'central=present', jobs: ['copy dcn0', 'delete'] }, 'CONFLICT R9'],
    ['gone', { status: 'deleted' }, 'NOT_FOUND'],
  ])('%s', (_, picture, expected) => {
    expect(verdict(() => requireImageDeletable(view(picture)))).toBe(expected);
  });

  test.each([
    [
      'edges before central',
      'central=deleting dcn0=deleting dcn1=deleting',
      'central dcn0 dcn1',
      'dcn0,dcn1',
    ],
    ['central when the edges are done', 'central=deleting', 'central dcn0', 'central'],
    ['an edge that is away is not waited for', 'central=deleting dcn0=deleting', 'central', 'dcn0,central'],
    ['one away, one there', 'central=deleting dcn0=deleting dcn1=deleting', 'central dcn1', 'dcn0,dcn1'],
  ])('%s', (_, copies, online, expected) => {
    const isOnline = (storeId: string) => online.split(' ').includes(storeId);
    expect(nextToDelete(view({ copies }), isOnline).join()).toBe(expected);
  });
});

describe('a job is cancelled', () => {
  const begun = [{ attempt: 1 }] as Task[];
  test.each<[string, Job, Picture, readonly Task[], string]>([
    ['a copy at work', job('copy dcn0'), {}, begun, 'allowed'],
    ['a delete before the image is gone', job('delete'), {}, [], 'allowed'],
    ['a delete after that', job('delete'), { status: 'pending_delete' }, [], 'CONFLICT R9'],
    ['a copy is not yet being deleted', job('delete-copy dcn0'), {}, [], 'allowed'],
    ['its site was away ever since', job('delete-copy dcn0'), {}, [{ attempt: 0 }] as Task[], 'allowed'],
    ['a copy is being deleted', job('delete-copy dcn0'), {}, begun, 'CONFLICT R8'],
    ['one that has ended', { ...job('copy dcn0'), state: 'succeeded' }, {}, [], 'CONFLICT'],
  ])('%s', (_, one, picture, tasks, expected) => {
    expect(verdict(() => requireCancellable(one, image(picture), tasks))).toBe(expected);
  });
});
