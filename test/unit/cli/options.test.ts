import { describe, expect, it } from 'vitest';
import { parseJobId, parseProperty, parseStoreIds, wholeNumber } from '../../../src/cli/options.ts';
import { parseHubAddress, parseRequestId } from '../../../src/cli/session.ts';
import { JOB_ID } from './samples.ts';

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
