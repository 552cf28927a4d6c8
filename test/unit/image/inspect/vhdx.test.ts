import { describe, expect, test } from 'vitest';
import {
  DISK_BYTES,
  type Edit,
  KIB,
  MIB,
  putItem,
  putRegion,
  VHDX,
  VHDX_METADATA,
  VHDX_PARENT,
  VHDX_SIZE,
  vhdxFile,
} from './files.ts';
import { inspect } from './inspection.ts';

const UNKNOWN = '00112233445566778899aabbccddeeff';

/** Of the entries of vhdxFile's tables. */
const METADATA_ENTRY = VHDX.regions + 16 + 32;
const PARAMETERS_ENTRY = VHDX.metadata + 32;
const SIZE_ENTRY = VHDX.metadata + 64;

describe('a VHDX', () => {
  test('may enter, with the size its metadata says', () => {
    expect(inspect(vhdxFile())).toEqual({
      ok: true,
      format: 'vhdx',
      virtualSizeBytes: DISK_BYTES,
      variant: 'dynamic',
      properties: {},
    });
  });

  test('is fixed when its blocks are to stay allocated', () => {
    expect(inspect(vhdxFile((bytes) => bytes.writeUInt32LE(1, VHDX.items + 4)))).toMatchObject({
      ok: true,
      variant: 'fixed',
    });
  });

  const harmless: [string, Edit][] = [
    ['only its first header', (bytes) => bytes.fill(0, VHDX.secondHeader, VHDX.secondHeader + 80)],
    ['only its second header', (bytes) => bytes.fill(0, VHDX.firstHeader, VHDX.firstHeader + 80)],
    [
      'a log in the header that no longer counts',
      (bytes) => bytes.fill(1, VHDX.firstHeader + 48, VHDX.firstHeader + 64),
    ],
    ['a region that need not be known', (bytes) => putRegion(bytes, 2, UNKNOWN, 8 * MIB, false)],
    [
      'an item that need not be known',
      (bytes) => {
        putItem(bytes, 2, UNKNOWN, 64 * KIB);
        bytes.writeUInt32LE(0, VHDX.metadata + 32 + 2 * 32 + 24);
      },
    ],
    [
      'an item at the end of what is kept',
      (bytes) => {
        putItem(bytes, 1, VHDX_SIZE, 128 * KIB - 8);
        bytes.writeBigUInt64LE(BigInt(DISK_BYTES), VHDX.metadata + 128 * KIB - 8);
      },
    ],
  ];
  test.each(harmless)('with %s may enter', (_, edit) => {
    expect(inspect(vhdxFile(edit))).toMatchObject({ ok: true, virtualSizeBytes: DISK_BYTES });
  });

  const hostile: [string, string, Edit][] = [
    ['a parent', 'differencing', (bytes) => bytes.writeUInt32LE(2, VHDX.items + 4)],
    ['the locator of a parent', 'differencing', (bytes) => putItem(bytes, 2, VHDX_PARENT, 65 * KIB, 40)],
    ['a pending log', 'pending-log', (bytes) => bytes.writeUInt8(1, VHDX.secondHeader + 63)],
    [
      'a pending log in a first header that is the newer',
      'pending-log',
      (bytes) => {
        bytes.writeBigUInt64LE(2n ** 63n, VHDX.firstHeader + 8);
        bytes.writeUInt8(1, VHDX.firstHeader + 48);
      },
    ],
    ['no headers', 'bad-header', (bytes) => bytes.fill(0, VHDX.firstHeader, VHDX.regions)],
    ['version 2', 'unknown-version', (bytes) => bytes.writeUInt16LE(2, VHDX.secondHeader + 66)],
    ['no region table', 'bad-header', (bytes) => bytes.writeUInt8(0, VHDX.regions)],
    ['2048 regions', 'bad-header', (bytes) => bytes.writeUInt32LE(2048, VHDX.regions + 8)],
    ['2^32 regions', 'bad-header', (bytes) => bytes.writeUInt32LE(0xffff_ffff, VHDX.regions + 8)],
    ['no metadata', 'bad-header', (bytes) => bytes.writeUInt32LE(1, VHDX.regions + 8)],
    ['two regions of metadata', 'bad-header', (bytes) => putRegion(bytes, 2, VHDX_METADATA, 8 * MIB)],
    ['a region that must be known', 'unknown-features', (bytes) => putRegion(bytes, 2, UNKNOWN, 8 * MIB)],
    ['metadata in its headers', 'bad-header', (bytes) => bytes.writeBigUInt64LE(0n, METADATA_ENTRY + 16)],
    [
      'metadata at a half MiB',
      'bad-header',
      (b) => b.writeBigUInt64LE(BigInt(1.5 * MIB), METADATA_ENTRY + 16),
    ],
    ['metadata behind its end', 'truncated', (b) => b.writeBigUInt64LE(BigInt(3 * MIB), METADATA_ENTRY + 16)],
    [
      'metadata at 16 EiB',
      'out-of-reach',
      (b) => b.writeBigUInt64LE(2n ** 64n - 2n ** 20n, METADATA_ENTRY + 16),
    ],
    ['metadata of 4 KiB', 'bad-header', (bytes) => bytes.writeUInt32LE(4096, METADATA_ENTRY + 24)],
    ['something else where they should be', 'bad-header', (bytes) => bytes.writeUInt8(0, VHDX.metadata)],
    ['2048 items', 'bad-header', (bytes) => bytes.writeUInt16LE(2048, VHDX.metadata + 10)],
    ['no items', 'bad-header', (bytes) => bytes.writeUInt16LE(0, VHDX.metadata + 10)],
    ['no size', 'bad-header', (bytes) => bytes.writeUInt16LE(1, VHDX.metadata + 10)],
    ['its size twice', 'bad-header', (bytes) => putItem(bytes, 2, VHDX_SIZE, 66 * KIB)],
    ['an item that must be known', 'unknown-features', (bytes) => putItem(bytes, 2, UNKNOWN, 66 * KIB)],
    ['a size within the table', 'bad-header', (bytes) => bytes.writeUInt32LE(64, SIZE_ENTRY + 16)],
    ['a size of four bytes', 'bad-header', (bytes) => bytes.writeUInt32LE(4, SIZE_ENTRY + 20)],
    ['parameters of four bytes', 'bad-header', (bytes) => bytes.writeUInt32LE(4, PARAMETERS_ENTRY + 20)],
    ['a size far from its table', 'out-of-reach', (b) => b.writeUInt32LE(128 * KIB - 7, SIZE_ENTRY + 16)],
    ['a size of 0', 'zero-virtual-size', (bytes) => bytes.writeBigUInt64LE(0n, VHDX.items + 8)],
    ['2^64 - 1 bytes', 'virtual-size-too-large', (b) => b.writeBigUInt64LE(2n ** 64n - 1n, VHDX.items + 8)],
  ];
  test.each(hostile)('with %s is refused: %s', (_, reason, edit) => {
    expect(inspect(vhdxFile(edit))).toMatchObject({ ok: false, format: 'vhdx', reason });
  });

  test.each([
    ['its magic', 8],
    ['its headers', 128 * KIB + 79],
    ['its region table', 256 * KIB - 1],
    ['the table of its metadata', VHDX.metadata + 64 * KIB - 1],
    ['its metadata', VHDX.items + 15],
  ])('that ends within %s is refused as truncated', (_, lengthBytes) => {
    expect(inspect(vhdxFile().subarray(0, lengthBytes))).toMatchObject({
      format: 'vhdx',
      reason: 'truncated',
    });
  });

  test('of which no more came than its metadata may enter: what is missing, its reader will miss', () => {
    expect(inspect(vhdxFile().subarray(0, VHDX.items + 16))).toMatchObject({ ok: true });
  });
});
