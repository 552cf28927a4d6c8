import { describe, expect, test } from 'vitest';
import { DISK_FORMATS } from '../../../../src/domain/image.ts';
import { requireFormat } from '../../../../src/image/inspect/require-format.ts';
import type { AcceptedFile, FoundFormat } from '../../../../src/image/inspect/verdict.ts';
import { isoFile, putGpt, qcow2File } from './files.ts';
import { inspect } from './inspection.ts';

function found(format: FoundFormat): AcceptedFile {
  return { ok: true, format, virtualSizeBytes: 1, variant: undefined, properties: {} };
}

const FOUND: readonly FoundFormat[] = [
  'raw',
  'qcow2',
  'vmdk',
  'vhd',
  'vhdx',
  'vdi',
  'iso',
  'ploop',
  'luks',
  'gzip',
  'zstd',
  'xz',
];

/** Pairs that fit beside each format and itself. */
const FITTING = [
  'raw luks',
  'aki raw',
  'aki gzip',
  'aki zstd',
  'aki xz',
  'ari raw',
  'ari gzip',
  'ari zstd',
  'ari xz',
  'ami raw',
];

const PAIRS = DISK_FORMATS.flatMap((declared) => FOUND.map((each) => [declared, each] as const));

describe('a declared format', () => {
  test.each(PAIRS)('%s fits what was found, or not: %s', (declared, each) => {
    const fits = declared === each || FITTING.includes(`${declared} ${each}`);
    const required = () => requireFormat(found(each), declared);
    if (fits) expect(required()).toEqual(found(each));
    else expect(required).toThrow(`the file is ${each}, but was declared as ${declared}`);
  });

  test('that is another one than was found is refused, with what to declare', () => {
    expect(() => requireFormat(inspect(qcow2File()), 'raw')).toThrow(
      expect.objectContaining({
        code: 'INVALID',
        hint: 'if that is what it should be, declare it: --disk-format qcow2',
      }),
    );
  });

  test('cannot be gzip', () => {
    expect(() => requireFormat(found('gzip'), 'raw')).toThrow(
      expect.objectContaining({ hint: 'look at how the file was made: `file IMAGE`, `qemu-img info IMAGE`' }),
    );
  });

  test('of an ISO image with partitions is iso, and raw is refused', () => {
    const verdict = inspect(isoFile(putGpt));
    expect(requireFormat(verdict, 'iso')).toBe(verdict);
    expect(() => requireFormat(verdict, 'raw')).toThrow('the file is iso, but was declared as raw');
  });

  test('does not help a file that may not enter: its reason and hint are told', () => {
    const verdict = inspect(qcow2File({ edit: (bytes) => bytes.writeUInt8(1, 8) }));
    expect(() => requireFormat(verdict, 'qcow2')).toThrow(
      expect.objectContaining({
        code: 'INVALID',
        message: 'the qcow2 image has a backing file',
        hint: expect.stringContaining('qemu-img convert'),
      }),
    );
  });
});
