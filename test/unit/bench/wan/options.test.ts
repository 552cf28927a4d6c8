import { describe, expect, test } from 'vitest';
import { METHOD_NAMES, parseOptions } from '../../../../bench/wan/options.ts';

const MIB = 2 ** 20;

describe('options', () => {
  test('by default: three rounds of everything on three links, between clusters', () => {
    const options = parseOptions([]);
    expect(options).toMatchObject({
      pairs: 3,
      sizeBytes: undefined,
      only: METHOD_NAMES,
      store: 'rbd',
      emulation: undefined,
      tcp: { congestion: 'cubic', readBytes: 6 * MIB, writeBytes: 4 * MIB },
      json: undefined,
    });
    expect(options !== 'help' && options.links.map(({ name }) => name)).toEqual([
      '100mbit/50ms/0.1%',
      '1gbit/20ms',
      '1gbit/80ms',
    ]);
  });

  test('each can be given', () => {
    const args =
      '--links 10mbit/5ms --pairs 1 --size-mib 8 --only pull,tcp-8 --store file --congestion reno ' +
      '--tcp-memory-mib 32 --emulation tun --json out.json';
    expect(parseOptions(args.split(' '))).toEqual({
      links: [{ name: '10mbit/5ms', bitsPerSecond: 10e6, roundTripMs: 5, lossShare: 0 }],
      pairs: 1,
      sizeBytes: 8 * MIB,
      only: ['pull', 'tcp-8'],
      store: 'file',
      emulation: 'tun',
      tcp: { congestion: 'reno', readBytes: 32 * MIB, writeBytes: 32 * MIB },
      json: 'out.json',
    });
    expect(parseOptions(['--help'])).toBe('help');
  });

  test.each([
    ['--links 1gbit', '--links 1gbit: a link is like'],
    ['--pairs 0', '--pairs 0: a whole number of 1 or more'],
    ['--size-mib 0', '--size-mib 0: a whole number of 1 or more'],
    ['--only tcp-2', '--only: there is no tcp-2; there are tcp-1, '],
    ['--store ceph', '--store: there is no ceph; there are rbd, file'],
    ['--congestion hope', '--congestion: there is no hope; there are '],
    ['--tcp-memory-mib x', '--tcp-memory-mib x: a whole number'],
    ['--emulation luck', '--emulation: there is no luck; there are netem, tun'],
    ['--verbose', "Unknown option '--verbose'"],
  ])('%s is refused', (args, message) => {
    expect(() => parseOptions(args.split(' '))).toThrow(message);
  });
});
