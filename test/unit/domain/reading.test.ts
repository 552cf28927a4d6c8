import { describe, expect, test } from 'vitest';
import type { Visibility } from '../../../src/domain/image.ts';
import {
  type Actor,
  imageNotFound,
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
