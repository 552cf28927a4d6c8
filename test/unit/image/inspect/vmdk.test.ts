import { describe, expect, test } from 'vitest';
import { DISK_BYTES, KIB, VMDK_DESCRIPTOR, type VmdkParts, vmdkFile } from './files.ts';
import { inspect } from './inspection.ts';

function replaced(from: string | RegExp, to: string): VmdkParts {
  const descriptor = VMDK_DESCRIPTOR.replace(from, to);
  expect(descriptor).not.toBe(VMDK_DESCRIPTOR);
  return { descriptor };
}

const EXTENT = /RW 16384 SPARSE "disk.vmdk"/;

describe('a VMDK', () => {
  test('may enter, and has the properties that Glance gives it', () => {
    expect(inspect(vmdkFile())).toEqual({
      ok: true,
      format: 'vmdk',
      virtualSizeBytes: DISK_BYTES,
      variant: 'streamOptimized',
      properties: { vmware_adaptertype: 'lsiLogic', vmware_disktype: 'streamOptimized' },
    });
  });

  test.each([
    ['ide', 'ide'],
    ['busLogic', 'busLogic'],
    ['LSILOGIC', 'lsiLogic'],
    ['lsisas1068', 'lsiLogicsas'],
    ['pvscsi', 'paraVirtual'],
    ['legacyESX', undefined],
  ])('for the adapter %s has the property %s', (written, property) => {
    const verdict = inspect(vmdkFile(replaced('lsilogic', written)));
    expect(verdict.ok && verdict.properties['vmware_adaptertype']).toBe(property);
  });

  test('of type monolithicSparse is sparse', () => {
    expect(inspect(vmdkFile(replaced('streamOptimized', 'monolithicSparse')))).toMatchObject({
      ok: true,
      variant: 'monolithicSparse',
      properties: { vmware_disktype: 'sparse' },
    });
  });

  test.each([
    ['lines that end as in DOS', { descriptor: VMDK_DESCRIPTOR.replaceAll('\n', '\r\n') }],
    ['keys in another case', replaced('createType', 'CREATETYPE')],
    ['an extent that is only read', replaced('RW 16384', 'RDONLY 16384')],
    ['spaces around =', replaced('createType=', 'createType = ')],
    ['letters beyond ASCII in its name', replaced('disk.vmdk', 'grün.vmdk')],
    ['a descriptor of one sector', { descriptorSectors: 1 }],
    ['a footer as its header', { footer: true }],
  ] satisfies [string, VmdkParts][])('with %s may enter', (_, parts) => {
    expect(inspect(vmdkFile(parts))).toMatchObject({ ok: true, virtualSizeBytes: DISK_BYTES });
  });

  test.each([
    ['a type that is not allowed', 'vmdk-type', replaced('streamOptimized', 'vmfsSparse')],
    ['a type in control characters', 'vmdk-descriptor', replaced('streamOptimized', '\x1b[2J')],
    ['no type', 'vmdk-descriptor', replaced(/createType.*\n/, '')],
    ['two types', 'vmdk-descriptor', replaced('version=1', 'createtype="monolithicSparse"')],
    ['an absolute path', 'vmdk-extent', replaced('disk.vmdk', '/etc/passwd')],
    ['a relative path', 'vmdk-extent', replaced('disk.vmdk', '../disk.vmdk')],
    ['a path of Windows', 'vmdk-extent', replaced('disk.vmdk', 'a\\disk.vmdk')],
    ['a drive of Windows', 'vmdk-extent', replaced('disk.vmdk', 'c:disk.vmdk')],
    ['a protocol of QEMU', 'vmdk-extent', replaced('disk.vmdk', 'json:{}')],
    ['the folder above', 'vmdk-extent', replaced('"disk.vmdk"', '".."')],
    ['an extent without a name', 'vmdk-extent', replaced(' "disk.vmdk"', '')],
    ['an extent with an empty name', 'vmdk-extent', replaced('disk.vmdk', '')],
    ['a flat extent', 'vmdk-extent', replaced(EXTENT, 'RW 16384 FLAT "disk-flat.vmdk" 0')],
    ['a VMFS extent', 'vmdk-extent', replaced(EXTENT, 'RW 16384 VMFS "disk-flat.vmdk"')],
    ['an extent of zeros', 'vmdk-extent', replaced(EXTENT, 'RW 16384 ZERO')],
    ['a device', 'vmdk-extent', replaced(EXTENT, 'rw 16384 flat "\\\\.\\PhysicalDrive0" 0')],
    ['two extents', 'vmdk-extent', replaced(EXTENT, '$&\n$&')],
    ['no extent', 'vmdk-extent', replaced(EXTENT, '')],
    ['a parent', 'vmdk-parent', replaced('parentCID=ffffffff', 'parentCID=24e311f5')],
    ['nothing about a parent', 'vmdk-parent', replaced('parentCID=ffffffff\n', '')],
    ['the hint of a parent', 'vmdk-parent', replaced('version=1', 'parentFileNameHint="base.vmdk"')],
    ['the hint of a parent in a comment', 'vmdk-parent', replaced('#DDB', '#PARENTFILENAMEHINT="x"')],
    ['a line that is not understood', 'vmdk-descriptor', replaced('version=1', 'include /etc/passwd')],
    ['a quote within a value', 'vmdk-descriptor', replaced('version=1', 'version="1"; "2"')],
    ['binary data in its descriptor', 'vmdk-descriptor', replaced('version=1', 'version=\x01')],
    ['a lone carriage return', 'vmdk-descriptor', replaced('version=1', '# \rRW 1 FLAT "x" 0')],
    ['no descriptor', 'vmdk-descriptor', { edit: (bytes) => bytes.writeBigUInt64LE(0n, 28) }],
    ['a descriptor of no length', 'vmdk-descriptor', { edit: (bytes) => bytes.writeBigUInt64LE(0n, 36) }],
    ['a descriptor elsewhere', 'vmdk-descriptor', { edit: (bytes) => bytes.writeBigUInt64LE(2n, 28) }],
    ['a descriptor of 2^64 sectors', 'out-of-reach', { edit: (b) => b.writeBigUInt64LE(2n ** 64n - 1n, 36) }],
    ['a descriptor of 65 KiB', 'out-of-reach', { descriptorSectors: 130 }],
    ['version 0', 'unknown-version', { edit: (bytes) => bytes.writeUInt32LE(0, 4) }],
    ['version 4', 'unknown-version', { edit: (bytes) => bytes.writeUInt32LE(4, 4) }],
    // QEMU takes the descriptor's extents for the disk then.
    ['no size', 'zero-virtual-size', { edit: (bytes) => bytes.writeBigUInt64LE(0n, 12) }],
    ['2^64 sectors', 'virtual-size-too-large', { edit: (b) => b.writeBigUInt64LE(2n ** 64n - 1n, 12) }],
  ] satisfies [string, string, VmdkParts][])('with %s is refused: %s', (_, reason, parts) => {
    expect(inspect(vmdkFile(parts))).toMatchObject({ ok: false, format: 'vmdk', reason });
  });

  test('with a hint of its parent behind what the header says its descriptor is, is refused', () => {
    const descriptor = `${VMDK_DESCRIPTOR}#`.padEnd(512, '#');
    const edit = (bytes: Buffer) => void bytes.write('\nparentFileNameHint="/etc/passwd"\n\0', 1024);
    expect(inspect(vmdkFile({ descriptor, descriptorSectors: 1, edit }))).toMatchObject({
      reason: 'vmdk-parent',
    });
  });

  test('may be of other types where the configuration says so, and of none where it is empty', () => {
    const other = vmdkFile(replaced('streamOptimized', 'vmfsSparse'));
    expect(inspect(other, { vmdkTypes: ['VMFSSPARSE'] })).toMatchObject({ ok: true, variant: 'vmfsSparse' });
    expect(inspect(vmdkFile(), { vmdkTypes: [] })).toMatchObject({
      reason: 'vmdk-type',
      hint: expect.stringMatching(/^allowed: none;/),
    });
  });

  test('whose type is long is quoted short, on one line', () => {
    const verdict = inspect(vmdkFile(replaced('streamOptimized', 'ü'.repeat(3000))));
    expect(verdict).toHaveProperty('message', `VMDK disks of type "${'?'.repeat(40)}..." are not allowed`);
  });

  const FOOTER_FROM_END = 1024;
  test.each([
    ['another version', (footer: Buffer) => footer.writeUInt32LE(1, 4)],
    ['another capacity', (footer: Buffer) => footer.writeBigUInt64LE(99n, 12)],
    ['no capacity', (footer: Buffer) => footer.writeBigUInt64LE(0n, 12)],
    ['a descriptor elsewhere', (footer: Buffer) => footer.writeBigUInt64LE(30n, 28)],
    ['a longer descriptor', (footer: Buffer) => footer.writeBigUInt64LE(30n, 36)],
    ['another compression', (footer: Buffer) => footer.writeUInt16LE(0, 77)],
    ['the promise of a footer', (footer: Buffer) => footer.writeBigUInt64LE(2n ** 64n - 1n, 56)],
    ['another magic', (footer: Buffer) => footer.write('COWD')],
  ])('whose footer has %s is refused', (_, spoil) => {
    const edit = (bytes: Buffer) => void spoil(bytes.subarray(bytes.length - FOOTER_FROM_END));
    expect(inspect(vmdkFile({ footer: true, edit }))).toMatchObject({ reason: 'vmdk-footer' });
  });

  test.each([
    ['the marker before its footer', 1536 - 12],
    ['the marker of its end', 512],
  ])('without %s is refused', (_, fromEnd) => {
    const edit = (bytes: Buffer) => void bytes.writeUInt8(7, bytes.length - fromEnd);
    expect(inspect(vmdkFile({ footer: true, edit }))).toMatchObject({ reason: 'vmdk-footer' });
  });

  test('with a footer that is not of whole sectors is refused: readers would look for it elsewhere', () => {
    const file = Buffer.concat([vmdkFile({ footer: true }), Buffer.alloc(1)]);
    expect(inspect(file)).toMatchObject({ reason: 'truncated' });
  });

  test('that was cut before its footer is refused', () => {
    const file = vmdkFile({ footer: true });
    expect(inspect(file.subarray(0, file.length - 4 * KIB))).toMatchObject({ reason: 'vmdk-footer' });
  });

  test.each([
    ['its magic', 4],
    ['its header', 511],
    ['its descriptor', 20 * 512],
  ])('that ends within %s is refused as truncated', (_, lengthBytes) => {
    expect(inspect(vmdkFile().subarray(0, lengthBytes))).toMatchObject({ reason: 'truncated' });
  });

  test.each([
    ['a descriptor by itself', VMDK_DESCRIPTOR, 'separate-descriptor'],
    ['a descriptor after empty lines', `\n \n${VMDK_DESCRIPTOR}`, 'separate-descriptor'],
    ['a descriptor with another first line', '# by hand\n\r\n#\nversion=1\nCID=1\n', 'separate-descriptor'],
    ['a COWD extent', `COWD${'\0'.repeat(600)}`, 'unsupported-format'],
    ['a seSparse extent', `\xbe\xba\xfe\xca${'\0'.repeat(600)}`, 'unsupported-format'],
  ])('that is %s is refused', (_, text, reason) => {
    expect(inspect(Buffer.from(text, 'latin1'))).toMatchObject({ ok: false, format: 'vmdk', reason });
  });

  test('is not seen in other text', () => {
    expect(inspect(Buffer.from('# a script\nversion=10\n'))).toMatchObject({ ok: true, format: 'raw' });
    expect(inspect(Buffer.from('# Disk usage\n'))).toMatchObject({ ok: true, format: 'raw' });
  });
});
