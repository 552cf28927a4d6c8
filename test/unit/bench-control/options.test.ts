import { describe, expect, test } from 'vitest';
import { freshImages, parseOptions } from '../../../bench/control/options.ts';

describe('options', () => {
  test('are those of the targets when none is given', () => {
    expect(parseOptions([])).toEqual({
      sites: [10, 100, 1000],
      images: 10_000,
      copies: 100_000,
      together: 100,
      limitMs: 180_000,
      jsonPath: undefined,
      profileFolder: undefined,
    });
  });

  test('are taken as given', () => {
    const args = '--sites 2,30 --images 500 --copies 9 --together 5 --limit 7 --json f --cpu-profile p';
    expect(parseOptions(args.split(' '))).toEqual({
      sites: [2, 30],
      images: 500,
      copies: 9,
      together: 5,
      limitMs: 7000,
      jsonPath: 'f',
      profileFolder: 'p',
    });
    expect(parseOptions(['--sites', '10', '--help'])).toBe('help');
  });

  test.each([
    ['--sites 1', '--sites 1: must be a whole number from 2'],
    ['--sites 10,', '--sites : must be a whole number'],
    ['--limit 1.5', '--limit 1.5: must be a whole number'],
    ['--images 100', `--images 100: with --together 100 at least ${freshImages(100)} are needed`],
    ['--fast', "Unknown option '--fast'"],
    ['more', 'Unexpected argument'],
  ])('%s is refused', (args, sentence) => {
    expect(() => parseOptions(args.split(' '))).toThrow(sentence);
  });
});
