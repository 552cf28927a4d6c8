import { describe, expect, test } from 'vitest';
import { probeQemuCommand, TOOLS } from '../../../../bench/common/tools.ts';
import { parseOptions } from '../../../../bench/data/options.ts';
import { comparisons, orderOf, QEMU_RIVALS, SSH_RIVALS } from '../../../../bench/data/schedule.ts';

describe('options', () => {
  test('by default: five pairs of everything, 4 GiB', () => {
    expect(parseOptions([])).toEqual({
      pairs: 5,
      sizeBytes: 4 * 2 ** 30,
      only: undefined,
      json: undefined,
      othersLimit: 0.1,
    });
  });

  test('each can be given', () => {
    const args = '--pairs 2 --size-mib 64 --only read,qemu-img-2 --json out.json --others-percent 30';
    expect(parseOptions(args.split(' '))).toEqual({
      pairs: 2,
      sizeBytes: 64 * 2 ** 20,
      only: ['read', 'qemu-img-2'],
      json: 'out.json',
      othersLimit: 0.3,
    });
    expect(parseOptions(['--help'])).toBe('help');
  });

  test.each([
    ['--pairs 0', '--pairs 0: a whole number of 1 or more'],
    ['--pairs two', '--pairs two: a whole number'],
    ['--size-mib 15', '--size-mib 15: a whole number of 16 or more'],
    ['--only rsync,read', '--only: there is no rsync; there are entrepot, '],
    ['--verbose', "Unknown option '--verbose'"],
    ['more', 'more'],
  ])('%s is refused', (args, message) => {
    expect(() => parseOptions(args.split(' '))).toThrow(message);
  });
});

describe('the schedule', () => {
  const text = (only: readonly string[] | undefined, leftOut: readonly string[] = []) =>
    comparisons(only, leftOut).map(({ subject, rival }) => (rival ? `${subject} ${rival}` : subject));

  test('is every pair, unless some are named', () => {
    expect(text(undefined)).toEqual([
      'entrepot read',
      'entrepot write',
      'entrepot export-import',
      'entrepot export-diff',
      'entrepot export-diff-ssh',
      'entrepot qemu-img',
      'entrepot-arrival export-import',
      'entrepot-arrival export-diff',
      'entrepot-arrival export-diff-ssh',
      'entrepot-arrival qemu-img',
      'entrepot-2-arrival export-import-2',
      'entrepot-2-arrival export-diff-2',
      'entrepot-2-arrival export-diff-ssh-2',
      'entrepot-2-arrival qemu-img-2',
      'entrepot-2 export-import-2',
      'entrepot-2 export-diff-2',
      'entrepot-2 export-diff-ssh-2',
      'entrepot-2 qemu-img-2',
      'entrepot-similar entrepot',
    ]);
    expect(text(['qemu-img', 'entrepot-2'])).toEqual(['entrepot-2', 'entrepot qemu-img']);
  });

  test('goes without what cannot be run here', () => {
    const left = text(undefined, [...SSH_RIVALS, ...QEMU_RIVALS]);
    expect(left).toHaveLength(11);
    expect(left.join()).not.toMatch(/ssh|qemu/);
  });

  test('has each method of a pair come first in turns', () => {
    const pair = { name: 'x', subject: 'a', rival: 'b' };
    expect([0, 1, 2].map((round) => orderOf(pair, round).join(''))).toEqual(['ab', 'ba', 'ab']);
    expect(orderOf({ name: 'x', subject: 'a' }, 1)).toEqual(['a']);
  });
});

describe('what people run', () => {
  const source = { confPath: '/c/ceph.conf', pool: 'images', imageId: 'one' };
  const target = { confPath: "/it's here/ceph.conf", pool: 'images', imageId: 'two' };
  const command = (name: string) =>
    TOOLS.find((tool) => tool.name === name)?.command(source, target, ['ssh', 'me@there']);

  test('export and import', () => {
    expect(command('export-import')).toBe(
      'rbd -c /c/ceph.conf --id images export images/one@snap - --no-progress | ' +
        "rbd -c '/it'\\''s here/ceph.conf' --id images import - images/two --no-progress",
    );
  });

  test('export-diff and import-diff, the latter at the other site', () => {
    const { confPath } = source;
    const plain = TOOLS.find(({ name }) => name === 'export-diff-ssh')?.command(
      source,
      { ...target, confPath },
      ['ssh', 'me@there'],
    );
    expect(plain).toBe(
      'rbd -c /c/ceph.conf --id images export-diff images/one@snap - --no-progress | ' +
        "ssh me@there 'rbd -c /c/ceph.conf --id images import-diff - images/two --no-progress'",
    );
  });

  test('qemu-img, for which a colon in a path is no option', () => {
    expect(command('qemu-img')).toContain(
      "qemu-img convert -n -W -m 16 -f raw -O raw 'rbd:images/one@snap:id=images:conf=/c/ceph.conf' 'rbd:images/two:",
    );
    expect(probeQemuCommand({ ...source, confPath: '/a:b=c' })).toContain('conf=/a\\:b\\=c');
  });
});
