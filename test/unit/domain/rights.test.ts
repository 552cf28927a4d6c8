import { describe, expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import {
  actorOf,
  type Caller,
  callerSubject,
  RIGHTS,
  type Right,
  requireRight,
  storeOf,
} from '../../../src/domain/rules/index.ts';
import { verdict } from './picture.ts';

const CALLERS = {
  admin: { kind: 'operator', name: 'ada', role: 'admin' },
  member: { kind: 'operator', name: 'bob', role: 'member' },
  reader: { kind: 'operator', name: 'eve', role: 'reader' },
  store: { kind: 'store', storeId: 'dcn0' },
  hub: { kind: 'hub' },
  nobody: { kind: 'nobody' },
} as const satisfies Record<string, Caller>;

type Who = keyof typeof CALLERS;
const WHO = Object.keys(CALLERS) as Who[];

/** A row each: yes, `-` for FORBIDDEN, `?` for UNAUTHENTICATED; columns as WHO has them. */
const TABLE: Record<Right, string> = {
  //           admin member reader store hub nobody
  enrol: '     yes   yes    yes    yes   yes yes',
  known: '     yes   yes    yes    yes   yes ?',
  read: '      yes   yes    yes    -     -   ?',
  change: '    yes   yes    -      -     -   ?',
  audit: '     yes   -      yes    -     -   ?',
  administer: 'yes   -      -      -     -   ?',
  serve: '     -     -      -      yes   -   ?',
  transfer: '  -     -      -      yes   yes ?',
};

const VERDICTS: Readonly<Record<string, string>> = {
  yes: 'allowed',
  '-': 'FORBIDDEN',
  '?': 'UNAUTHENTICATED',
};

describe('rights', () => {
  const rows = Object.entries(TABLE).flatMap(([right, row]) =>
    row
      .trim()
      .split(/ +/)
      .map((word, column): [Who, Right, string] => [
        WHO[column] as Who,
        right as Right,
        VERDICTS[word] as string,
      ]),
  );

  test('the table has a verdict for each pair', () => {
    expect(rows).toHaveLength(WHO.length * Object.keys(RIGHTS).length);
    expect(rows.every(([who, , expected]) => who !== undefined && expected !== undefined)).toBe(true);
  });

  test.each(rows)('%s, %s: %s', (who, right, expected) => {
    expect(verdict(() => requireRight(CALLERS[who], right, 'Images.Copy'))).toBe(expected);
  });

  test.each(rows.filter(([, , expected]) => expected !== 'allowed'))(
    'what is refused to %s for want of %s names that right',
    (who, right) => {
      expect(() => requireRight(CALLERS[who], right, 'Images.Copy')).toThrow(RIGHTS[right]);
      expect(() => requireRight(CALLERS[who], right, 'Images.Copy')).toThrow('Images.Copy');
    },
  );

  test('a refused operator is told what to do, and by what name it is known', () => {
    let refused: unknown;
    try {
      requireRight(CALLERS.reader, 'change', 'Images.Copy');
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(Refusal);
    expect(refused).toMatchObject({
      message: 'eve (reader) may not call Images.Copy: it needs the role member or admin',
      hint: expect.stringContaining('admin'),
    });
  });

  test.each<[Who, string]>([
    ['admin', 'operator/ada'],
    ['store', 'store/dcn0'],
    ['hub', 'hub'],
    ['nobody', 'nobody'],
  ])('%s is %s in events', (who, subject) => {
    expect(callerSubject(CALLERS[who])).toBe(subject);
  });

  test('only an operator acts, only an agent has a store', () => {
    expect(actorOf(CALLERS.member)).toEqual({ name: 'bob', role: 'member' });
    expect(storeOf(CALLERS.store)).toBe('dcn0');
    for (const who of ['store', 'hub', 'nobody'] as const) {
      expect(verdict(() => actorOf(CALLERS[who]))).toBe('FORBIDDEN');
    }
    for (const who of ['admin', 'hub', 'nobody'] as const) {
      expect(verdict(() => storeOf(CALLERS[who]))).toBe('FORBIDDEN');
    }
  });
});
