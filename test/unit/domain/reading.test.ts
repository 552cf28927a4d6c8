import { describe, expect, test } from 'vitest';
import type { Visibility } from '../../../src/domain/image.ts';
import {
  type Actor,
  imageNotFound,
  isInLists,
  isReadable,
  jobNotFound,
  requireDownloadable,
  requireJobReadable,
  requireOwner,
  requireReadable,
} from '../../../src/domain/rules/index.ts';
import { IMAGE_ID, image, verdict } from './picture.ts';

/** Everyone who may ask about an image of ada's. */
const ACTORS: Readonly<Record<string, Actor>> = {
  'its owner': { name: 'ada', role: 'member' },
  'its owner, a reader by now': { name: 'ada', role: 'reader' },
  'another member': { name: 'bob', role: 'member' },
  'a reader': { name: 'eve', role: 'reader' },
  'an admin': { name: 'root', role: 'admin' },
};

describe('R11: who sees, downloads and changes', () => {
  test.each<[string, Visibility, string, string, string]>([
    //                                          sees         downloads        changes
    ['its owner', 'private', '                  allowed', '  allowed', '      allowed'],
    ['its owner', 'public', '                   allowed', '  allowed', '      allowed'],
    ['its owner, a reader by now', 'private', ' allowed', '  allowed', '      FORBIDDEN R11'],
    ['another member', 'private', '             NOT_FOUND', 'NOT_FOUND', '    NOT_FOUND'],
    ['another member', 'shared', '              NOT_FOUND', 'NOT_FOUND', '    NOT_FOUND'],
    ['another member', 'community', '           allowed', '  allowed', '      FORBIDDEN R11'],
    ['another member', 'public', '              allowed', '  allowed', '      FORBIDDEN R11'],
    ['a reader', 'private', '                   allowed', '  FORBIDDEN R11', 'FORBIDDEN R11'],
    ['a reader', 'shared', '                    allowed', '  FORBIDDEN R11', 'FORBIDDEN R11'],
    ['a reader', 'community', '                 allowed', '  allowed', '      FORBIDDEN R11'],
    ['a reader', 'public', '                    allowed', '  allowed', '      FORBIDDEN R11'],
    ['an admin', 'private', '                   allowed', '  allowed', '      allowed'],
    ['an admin', 'shared', '                    allowed', '  allowed', '      allowed'],
  ])('%s, %s', (who, visibility, sees, downloads, changes) => {
    const actor = ACTORS[who] as Actor;
    const one = image({ owner: 'ada', visibility });
    expect(verdict(() => requireReadable(actor, one))).toBe(sees.trim());
    expect(isReadable(actor, one)).toBe(sees.trim() === 'allowed');
    expect(verdict(() => requireJobReadable(actor, { id: 'j' }, one))).toBe(sees.trim());
    expect(verdict(() => requireDownloadable(actor, one))).toBe(downloads.trim());
    const change = () => {
      requireReadable(actor, one);
      requireOwner(actor, one, 'delete');
    };
    expect(verdict(change)).toBe(changes.trim());
  });

  test.each<[string, Visibility, string, string, string]>([
    //                                      by its id    in lists  downloads
    ['carl=pending', 'shared', '            NOT_FOUND', 'no', '    NOT_FOUND'],
    ['bob=pending', 'shared', '             allowed', '  no', '    allowed'],
    ['bob=rejected', 'shared', '            allowed', '  no', '    allowed'],
    ['carl=pending bob=accepted', 'shared', 'allowed', ' yes', '   allowed'],
    // Members that were made before count no longer.
    ['bob=accepted', 'private', '           NOT_FOUND', 'no', '    NOT_FOUND'],
  ])('bob, with the members %s, %s', (members, visibility, sees, lists, downloads) => {
    const bob = ACTORS['another member'] as Actor;
    const one = image({ owner: 'ada', visibility, members });
    expect(verdict(() => requireReadable(bob, one))).toBe(sees.trim());
    expect(isInLists(bob, one)).toBe(lists.trim() === 'yes');
    expect(verdict(() => requireDownloadable(bob, one))).toBe(downloads.trim());
    const change = () => {
      requireReadable(bob, one);
      requireOwner(bob, one, 'change');
    };
    expect(verdict(change)).toBe(sees.trim() === 'allowed' ? 'FORBIDDEN R11' : sees.trim());
  });

  test('one that is deactivated is seen as before, and downloaded by admins alone', () => {
    const held = image({ owner: 'ada', visibility: 'public', status: 'deactivated' });
    for (const [who, actor] of Object.entries(ACTORS)) {
      expect(verdict(() => requireReadable(actor, held))).toBe('allowed');
      const expected = who === 'an admin' ? 'allowed' : 'FORBIDDEN';
      expect([who, verdict(() => requireDownloadable(actor, held))]).toEqual([who, expected]);
    }
  });

  test.each(['pending_delete', 'deleted'] as const)('nobody sees one that is %s, but its jobs', (status) => {
    for (const actor of Object.values(ACTORS)) {
      const gone = image({ owner: 'ada', visibility: 'public', status });
      expect(verdict(() => requireReadable(actor, gone))).toBe('NOT_FOUND');
      expect(verdict(() => requireDownloadable(actor, gone))).toBe('NOT_FOUND');
      expect(isReadable(actor, gone)).toBe(false);
      expect(verdict(() => requireJobReadable(actor, { id: 'j' }, gone))).toBe('allowed');
    }
  });

  test('a hidden image, and its job, are refused in the words for one that is not there', () => {
    const stranger = ACTORS['another member'] as Actor;
    expect(() => requireReadable(stranger, image())).toThrow(imageNotFound(IMAGE_ID).message);
    expect(() => requireJobReadable(stranger, { id: 'j' }, image())).toThrow(jobNotFound('j').message);
  });

  test('a refused download names the visibility and the owner', () => {
    expect(() => requireDownloadable(ACTORS['a reader'] as Actor, image())).toThrow(
      `eve (reader) may not download image ${IMAGE_ID}: it is private, and belongs to ada`,
    );
  });
});
