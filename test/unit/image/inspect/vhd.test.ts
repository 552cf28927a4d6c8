import { describe, expect, test } from 'vitest';
import { DISK_BYTES, dynamicVhd, fixedVhd, type VhdParts, vhdFooter } from './files.ts';
import { inspect } from './inspection.ts';

describe('a dynamic VHD', () => {
  test('may enter, with its current size', () => {
    const file = dynamicVhd({ footer: (bytes) => bytes.writeBigUInt64BE(4096n, 40) });
    expect(inspect(file)).toEqual({
      ok: true,
      format: 'vhd',
      virtualSizeBytes: DISK_BYTES,
      variant: 'dynamic',
      properties: {},
    });
  });

  test.each([
    ['differencing', 'differencing', { type: 4 }],
    ['fixed by its footer', 'bad-header', { type: 2 }],
    ['of an unknown type', 'bad-header', { type: 5 }],
    ['of an unknown version', 'unknown-version', { footer: (b) => b.writeUInt32BE(0x20000, 12) }],
    ['without a header', 'bad-header', { header: (b) => b.fill(0, 0, 8) }],
    ['with a header within its footer', 'bad-header', { footer: (b) => b.writeBigUInt64BE(0n, 16) }],
    ['with a header at 2^64', 'out-of-reach', { footer: (b) => b.writeBigUInt64BE(2n ** 64n - 1n, 16) }],
    ['with a header at 256 KiB', 'out-of-reach', { footer: (b) => b.writeBigUInt64BE(262_144n, 16) }],
    ['with a header behind its end', 'truncated', { footer: (b) => b.writeBigUInt64BE(4096n, 16) }],
    ['larger than its blocks', 'bad-header', { header: (b) => b.writeUInt32BE(3, 28) }],
    ['without a size', 'zero-virtual-size', { footer: (b) => b.writeBigUInt64BE(0n, 48) }],
    [
      'of 2 TiB',
      'virtual-size-too-large',
      {
        footer: (b) => b.writeBigUInt64BE(2n ** 41n, 48),
        header: (b) => b.writeUInt32BE(2 ** 20, 28),
      },
    ],
  ] satisfies [string, string, VhdParts][])('%s is refused: %s', (_, reason, parts) => {
    expect(inspect(dynamicVhd(parts))).toMatchObject({ ok: false, format: 'vhd', reason });
  });

  test.each([
    ['footer', 100],
    ['header', 612],
  ])('with another byte in its %s than its checksum says is refused', (what, offset) => {
    const file = dynamicVhd();
    file.writeUInt8(1, offset);
    expect(inspect(file)).toMatchObject({
      reason: 'bad-checksum',
      message: `the checksum of the VHD's ${what} is wrong`,
    });
  });

  test.each([8, 511, 512, 1535])('of which only %i bytes came is refused as truncated', (lengthBytes) => {
    expect(inspect(dynamicVhd().subarray(0, lengthBytes))).toMatchObject({
      format: 'vhd',
      reason: 'truncated',
    });
  });
});

describe('a fixed VHD', () => {
  test('is known by its last 512 bytes', () => {
    expect(inspect(fixedVhd())).toEqual({
      ok: true,
      format: 'vhd',
      virtualSizeBytes: DISK_BYTES,
      variant: 'fixed',
      properties: {},
    });
  });

  test('of exactly the size allowed may enter: its footer does not count', () => {
    expect(inspect(fixedVhd(), { maxVirtualSizeBytes: DISK_BYTES })).toMatchObject({ ok: true });
    expect(inspect(fixedVhd(), { maxVirtualSizeBytes: DISK_BYTES - 1 })).toMatchObject({
      reason: 'virtual-size-too-large',
    });
  });

  test.each([
    ['differencing', 'differencing', { type: 4 }],
    ['dynamic by its footer', 'bad-header', { type: 3 }],
    ['of an unknown type', 'bad-header', { type: 0 }],
    ['of an unknown version', 'unknown-version', { footer: (b) => b.writeUInt32BE(1, 12) }],
    ['that lacks data', 'truncated', { footer: (b) => b.writeBigUInt64BE(BigInt(DISK_BYTES) + 1n, 48) }],
    ['without a size', 'zero-virtual-size', { footer: (b) => b.writeBigUInt64BE(0n, 48) }],
  ] satisfies [string, string, VhdParts][])('%s is refused: %s', (_, reason, parts) => {
    expect(inspect(fixedVhd(parts))).toMatchObject({ ok: false, format: 'vhd', reason });
  });

  test('that says how much of it is missing, says so', () => {
    const cut = Buffer.concat([fixedVhd().subarray(0, DISK_BYTES - 1000), vhdFooter(2)]);
    expect(inspect(cut)).toMatchObject({ message: 'the VHD disk lacks 1000 bytes of data' });
  });

  test('with a wrong checksum is refused, and not taken for raw', () => {
    const file = fixedVhd();
    file.writeUInt8(1, file.length - 1);
    expect(inspect(file)).toMatchObject({ format: 'vhd', reason: 'bad-checksum' });
  });
});
