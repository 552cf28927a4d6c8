import { describe, expect, it } from 'vitest';
import { parseActor, parseSince } from '../../../src/cli/commands/event-list.ts';
import {
  durationSeconds,
  parseJobId,
  parseProperty,
  parseStoreIds,
  wholeNumber,
} from '../../../src/cli/options.ts';
import { parseHubAddress, parseRequestId } from '../../../src/cli/session.ts';
import { JOB_ID, NOON_MS } from './samples.ts';

const invalid = (message: string) => expect.objectContaining({ code: 'INVALID', message });

describe('stores', () => {
  it('are separated by commas, each once', () => {
    expect(parseStoreIds('dcn1, dcn0,dcn1', ['central'])).toEqual(['central', 'dcn1', 'dcn0']);
  });

  it.each([
    ['', ''],
    ['dcn0,', ''],
    ['DCN0', 'DCN0'],
    ['../x', '../x'],
  ])('%j is refused', (text, id) => {
    expect(() => parseStoreIds(text)).toThrow(invalid(`store id '${id}' is not valid`));
  });
});

describe('properties', () => {
  it('are KEY=VALUE, and the value may hold anything', () => {
    expect(parseProperty('cmd=a=b', parseProperty('os='))).toEqual({ os: '', cmd: 'a=b' });
  });

  it('may have any name', () => {
    expect(Object.entries(parseProperty('__proto__=x'))).toEqual([['__proto__', 'x']]);
  });

  it.each(['os', '=debian', ''])('%j is refused', (text) => {
    expect(() => parseProperty(text)).toThrow(invalid(`property '${text}' is not KEY=VALUE`));
  });

  it('are given once', () => {
    expect(() => parseProperty('a=2', { a: '1' })).toThrow(invalid('property a is given twice'));
  });
});

it('takes whole numbers only', () => {
  const parse = wholeNumber('limit', 1, 10);
  expect(parse('10')).toBe(10);
  for (const text of ['0', '11', '1.5', '-1', '1e1', '', ' 1', 'x']) {
    expect(() => parse(text)).toThrow(invalid(`limit '${text}' is not a whole number from 1 to 10`));
  }
});

describe('durations', () => {
  const parse = durationSeconds('life');

  it.each([
    ['90s', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['90d', 7_776_000],
    ['3650d', 315_360_000],
  ])('%s', (text, seconds) => {
    expect(parse(text)).toBe(seconds);
  });

  it.each(['', '0d', '90', 'd', '1.5h', '-1h', ' 1h', '1h ', '1w', '1H', '1h30m', '3651d', '9999999999s'])(
    '%j is none',
    (text) => {
      expect(() => parse(text)).toThrow(invalid(`life '${text}' is not a duration`));
    },
  );
});

describe('since when', () => {
  it.each([
    ['1h', NOON_MS - 3_600_000],
    ['2026-11-20', NOON_MS - 12 * 3_600_000],
    ['2026-11-20T12:00Z', NOON_MS],
    ['2026-11-20T12:00:00.000Z', NOON_MS],
    ['2026-11-20 12:00:00Z', NOON_MS],
    ['2026-11-20T13:00:00+01:00', NOON_MS],
  ])('%s', (text, ms) => {
    expect(parseSince(text, NOON_MS)).toBe(ms);
  });

  // Without a zone it would be another moment on another machine.
  it.each(['', 'yesterday', '2026-11-20T12:00:00', '2026-13-20', '20.11.2026', '1793534400000'])(
    '%j is neither a duration nor a time',
    (text) => {
      expect(() => parseSince(text, NOON_MS)).toThrow(
        invalid(`since '${text}' is neither a duration nor a time`),
      );
    },
  );

  it('a duration that is too long is one all the same', () => {
    expect(() => parseSince('9999d', NOON_MS)).toThrow(invalid("since '9999d' is not a duration"));
  });
});

describe('an actor', () => {
  it.each([
    ['alice', 'operator/alice'],
    ['operator/alice', 'operator/alice'],
    ['operator/hub', 'operator/hub'],
    ['store/dcn0', 'store/dcn0'],
    ['hub', 'hub'],
    ['nobody', 'nobody'],
  ])('%s', (text, actor) => {
    expect(parseActor(text)).toBe(actor);
  });

  it.each(['Alice', '', 'operator/', 'store/DCN0', 'image/x', 'operator/a/b'])('%j is refused', (text) => {
    expect(() => parseActor(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

it('takes the address of a hub', () => {
  for (const address of ['127.0.0.1:7440', 'hub.example:1', '[::1]:65535']) {
    expect(parseHubAddress(address)).toBe(address);
  }
  for (const address of ['hub', 'hub:', ':7440', 'hub:0', 'hub:65536', '::1:7440', 'http://hub:7440']) {
    expect(() => parseHubAddress(address)).toThrow(invalid(`'${address}' is not the address of a hub`));
  }
});

it('takes ids that may go into a log', () => {
  expect(parseRequestId('deploy-7.a_b')).toBe('deploy-7.a_b');
  for (const id of ['', 'a b', 'a\nb', 'x'.repeat(65)]) expect(() => parseRequestId(id)).toThrow();
  expect(parseJobId(JOB_ID.toUpperCase())).toBe(JOB_ID);
  expect(() => parseJobId('7')).toThrow(invalid("job id '7' is not a UUID"));
});
