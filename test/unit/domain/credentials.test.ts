import { describe, expect, test } from 'vitest';
import type { Credential } from '../../../src/domain/credential.ts';
import { requireRoom, surplusCertificates } from '../../../src/domain/rules/credentials.ts';

const credential = (hash: string): Credential => ({
  id: hash,
  kind: 'certificate',
  subject: 'store/dcn0',
  hash,
  createdAtMs: 0,
  expiresAtMs: 1000,
  revokedAtMs: undefined,
});

describe('good certificates of an agent', () => {
  // Oldest first; the last is the new one, and what is shown stays.
  test.each([
    ['ab', 'a', ''],
    ['abcd', 'a', ''],
    ['abcde', 'a', 'b'],
    ['abcde', 'b', 'a'],
    ['abcde', 'd', 'a'],
    ['abcdefgh', 'a', 'bcde'],
  ])('%s, with %s shown: %j are surplus', (good, shown, surplus) => {
    const got = surplusCertificates(good.split('').map(credential), shown);
    expect(got.map(({ hash }) => hash).join('')).toBe(surplus);
  });
});

test('an operator has room for 32 credentials', () => {
  const good = (length: number) => Array.from({ length }, (_, n) => credential(String(n)));
  expect(() => requireRoom('alice', good(31))).not.toThrow();
  expect(() => requireRoom('alice', good(32))).toThrow('operator alice has 32 credentials that are good');
});
