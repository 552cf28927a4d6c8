import { describe, expect, test } from 'vitest';
import { isCompression } from '../../../../src/image/inspect/verdict.ts';
import {
  DISK_BYTES,
  type Edit,
  isoFile,
  KIB,
  luksFile,
  noise,
  ploopFile,
  putGpt,
  putPartition,
  vdiFile,
} from './files.ts';
import { inspect } from './inspection.ts';

describe('a VDI', () => {
  test.each([
    [1, 'dynamic'],
    [2, 'static'],
  ])('of type %i may enter: it is %s', (type, variant) => {
    expect(inspect(vdiFile((bytes) => bytes.writeUInt32LE(type, 0x4c)))).toEqual({
      ok: true,
      format: 'vdi',
      virtualSizeBytes: DISK_BYTES,
      variant,
      properties: {},
    });
  });

  const hostile: [string, string, Edit][] = [
    ['is differencing', 'differencing', (bytes) => bytes.writeUInt32LE(4, 0x4c)],
    ['can be undone', 'differencing', (bytes) => bytes.writeUInt32LE(3, 0x4c)],
    ['is of no known type', 'bad-header', (bytes) => bytes.writeUInt32LE(0, 0x4c)],
    ['names the parent of its snapshot', 'differencing', (bytes) => bytes.writeUInt8(1, 0x1a8)],
    ['names its parent', 'differencing', (bytes) => bytes.writeUInt8(1, 0x1c7)],
    ['is of another version', 'unknown-version', (bytes) => bytes.writeUInt32LE(1, 0x44)],
    ['is larger than its blocks', 'bad-header', (bytes) => bytes.writeUInt32LE(7, 0x180)],
    ['has lost the end of its blocks', 'truncated', (bytes) => bytes.writeUInt32LE(1, 0x184)],
    ['has no size', 'zero-virtual-size', (bytes) => bytes.writeBigUInt64LE(0n, 0x170)],
  ];
  test.each(hostile)('that %s is refused: %s', (_, reason, edit) => {
    expect(inspect(vdiFile(edit))).toMatchObject({ ok: false, format: 'vdi', reason });
  });

  test.each([0x44, 0x1c7])('of which only %i bytes came is refused as truncated', (lengthBytes) => {
    expect(inspect(vdiFile().subarray(0, lengthBytes))).toMatchObject({ format: 'vdi', reason: 'truncated' });
  });
});

describe('a ploop disk', () => {
  test.each(['WithoutFreeSpace', 'WithouFreSpacExt'])('with the magic %s may enter', (magic) => {
    expect(inspect(ploopFile(magic))).toMatchObject({
      ok: true,
      format: 'ploop',
      virtualSizeBytes: DISK_BYTES,
    });
  });

  test('counts sectors in 32 bits with the older magic, whatever is in the upper half', () => {
    const edit: Edit = (bytes) => bytes.writeUInt32LE(9, 40);
    expect(inspect(ploopFile('WithoutFreeSpace', edit))).toMatchObject({ virtualSizeBytes: DISK_BYTES });
    expect(inspect(ploopFile('WithouFreSpacExt', edit))).toMatchObject({ reason: 'bad-header' });
  });

  const hostile: [string, string, Edit][] = [
    ['of another version', 'unknown-version', (bytes) => bytes.writeUInt32LE(3, 16)],
    ['without clusters', 'bad-header', (bytes) => bytes.writeUInt32LE(0, 28)],
    ['larger than its clusters', 'bad-header', (bytes) => bytes.writeUInt32LE(7, 32)],
    ['without a size', 'zero-virtual-size', (bytes) => bytes.writeUInt32LE(0, 36)],
  ];
  test.each(hostile)('%s is refused: %s', (_, reason, edit) => {
    expect(inspect(ploopFile(undefined, edit))).toMatchObject({ ok: false, format: 'ploop', reason });
  });

  test('of which only its magic came is refused as truncated', () => {
    expect(inspect(ploopFile().subarray(0, 63))).toMatchObject({ format: 'ploop', reason: 'truncated' });
  });
});

describe('a LUKS disk', () => {
  test.each([1, 2, 3])('of version %i is refused unless it is allowed', (version) => {
    expect(inspect(luksFile(version))).toMatchObject({ ok: false, format: 'luks', reason: 'encrypted' });
  });

  test('of version 1 has the size of what is encrypted', () => {
    expect(inspect(luksFile(1), { allowLuks: true })).toMatchObject({
      ok: true,
      format: 'luks',
      virtualSizeBytes: 4 * KIB,
      variant: '1',
    });
  });

  test('of version 2 has a size that only its key tells', () => {
    const verdict = inspect(luksFile(2), { allowLuks: true });
    expect(verdict).toMatchObject({ ok: true, virtualSizeBytes: undefined, variant: '2' });
  });

  test.each([
    ['of another version', 'unknown-version', luksFile(3)],
    ['that begins within its header', 'bad-header', luksFile(1, 1)],
    ['that begins behind the end', 'truncated', luksFile(1, 17)],
    ['without a byte of the disk', 'zero-virtual-size', luksFile(1, 16)],
    ['of version 1 with half a header', 'truncated', luksFile(1).subarray(0, 591)],
    ['of version 2 with half a header', 'truncated', luksFile(2).subarray(0, 4095)],
    ['without a version', 'truncated', luksFile(1).subarray(0, 7)],
  ])('%s is refused: %s', (_, reason, file) => {
    expect(inspect(file, { allowLuks: true })).toMatchObject({ ok: false, format: 'luks', reason });
  });
});

describe('an ISO image', () => {
  test.each([
    ['by itself', undefined, () => {}],
    ['with an MBR', 'mbr', (bytes: Buffer) => putPartition(bytes, 0x17, { flag: 0x80 })],
    ['with a GPT', 'gpt', putGpt],
    [
      'that is UDF alone',
      undefined,
      (bytes: Buffer) => {
        bytes.write('BEA01', 32 * KIB + 1);
        bytes.write('NSR03', 34 * KIB + 1);
      },
    ],
  ])('%s is an ISO', (_, variant, edit) => {
    expect(inspect(isoFile(edit))).toEqual({
      ok: true,
      format: 'iso',
      virtualSizeBytes: 40 * KIB,
      variant,
      properties: {},
    });
  });

  test('that ends within its first descriptor is refused as truncated', () => {
    expect(inspect(isoFile().subarray(0, 34 * KIB - 1))).toMatchObject({
      format: 'iso',
      reason: 'truncated',
    });
  });
});

describe('a compressed file', () => {
  test.each([
    ['gzip', '\x1f\x8b\x08\0'],
    ['zstd', '\x28\xb5\x2f\xfd'],
    ['xz', '\xfd7zXZ\0'],
  ])('is named %s, and looked into no further', (format, magic) => {
    expect(inspect(Buffer.from(magic, 'latin1'))).toEqual({
      ok: true,
      format,
      virtualSizeBytes: undefined,
      variant: undefined,
      properties: {},
    });
    expect(isCompression(inspect(Buffer.from(magic, 'latin1')).format ?? 'raw')).toBe(true);
    expect(isCompression('raw')).toBe(false);
  });

  test.each(['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'])('that begins with %j is refused: zip', (magic) => {
    expect(inspect(Buffer.from(magic))).toMatchObject({ format: 'zip', reason: 'unsupported-format' });
  });
});

function putGptOf4KibBlocks(bytes: Buffer): void {
  putPartition(bytes, 0xee);
  bytes.write('EFI PART', 4096);
}

describe('any other file', () => {
  test.each([
    ['one byte', Buffer.from('x')],
    ['zeros', Buffer.alloc(1000)],
    ['noise', noise(300 * KIB)],
    ['nearly a qcow2 image', Buffer.from('QFI')],
    ['a qcow2 image behind a sector', Buffer.concat([Buffer.alloc(512), Buffer.from('QFI\xfb', 'latin1')])],
    ['nearly an ISO image', isoFile().subarray(0, 32 * KIB + 5)],
    ['nearly a VHD', Buffer.concat([noise(4096), Buffer.from('conectix')])],
  ])('is raw, of its own size: %s', (_, file) => {
    expect(inspect(file)).toEqual({
      ok: true,
      format: 'raw',
      virtualSizeBytes: file.length,
      variant: undefined,
      properties: {},
    });
  });

  test.each([
    ['mbr', (bytes: Buffer) => putPartition(bytes, 0x83, { index: 3, flag: 0x80 })],
    ['mbr', (bytes: Buffer) => putPartition(bytes, 0xee)],
    ['gpt', putGpt],
    ['gpt', putGptOf4KibBlocks],
    [undefined, (bytes: Buffer) => putPartition(bytes, 0)],
    [undefined, (bytes: Buffer) => putPartition(bytes, 0x83, { flag: 0x42 })],
    [undefined, (bytes: Buffer) => bytes.write('EFI PART', 512)],
  ])('is raw also with partitions (%s)', (variant, edit) => {
    const disk = Buffer.alloc(8 * KIB);
    edit(disk);
    expect(inspect(disk)).toMatchObject({ ok: true, format: 'raw', variant });
  });

  test('is refused as QED when it is that', () => {
    expect(inspect(Buffer.from('QED\0'))).toMatchObject({ format: 'qed', reason: 'unsupported-format' });
  });
});
