import { describe, expect, test } from 'vitest';
import { DISK_BYTES, type Edit, KIB, putExtension, QCOW2_HEADER_BYTES, qcow2File } from './files.ts';
import { inspect } from './inspection.ts';

const FEATURES = 72;

describe('a qcow2 image', () => {
  test.each([
    [2, '0.10'],
    [3, '1.1'],
  ] as const)('of version %i may enter, and has compat %s', (version, compat) => {
    expect(inspect(qcow2File({ version }))).toEqual({
      ok: true,
      format: 'qcow2',
      virtualSizeBytes: DISK_BYTES,
      variant: compat,
      properties: { compat },
    });
  });

  const harmless: [string, Edit][] = [
    ['is marked as dirty', (bytes) => bytes.writeBigUInt64BE(1n, FEATURES)],
    ['has extended L2 entries', (bytes) => bytes.writeBigUInt64BE(16n, FEATURES)],
    [
      'is compressed by zstd',
      (bytes) => {
        bytes.writeBigUInt64BE(8n, FEATURES);
        bytes.writeUInt8(1, 104);
      },
    ],
    ['has internal snapshots', (bytes) => bytes.writeUInt32BE(3, 60)],
    ['has unknown compatible features', (bytes) => bytes.writeBigUInt64BE(2n ** 40n, 80)],
    ['has the shortest header', (bytes) => bytes.writeUInt32BE(104, 100)],
    [
      'has extensions of other kinds',
      (bytes) => {
        const next = putExtension(bytes, QCOW2_HEADER_BYTES, 0x6803f857, 'feature names');
        putExtension(bytes, next, 0x23852875, 'b'.repeat(24));
      },
    ],
    [
      'has a word of the data file in the data of another extension',
      (bytes) => void putExtension(bytes, QCOW2_HEADER_BYTES, 0x6803f857, 'DATA\0\0\0\x04'),
    ],
    [
      'has extensions up to the last byte of its first cluster',
      (bytes) => {
        bytes.writeUInt32BE(9, 20);
        putExtension(bytes, QCOW2_HEADER_BYTES, 1, 'x'.repeat(512 - QCOW2_HEADER_BYTES - 8));
      },
    ],
  ];
  test.each(harmless)('that %s may enter', (_, edit) => {
    expect(inspect(qcow2File({ edit }))).toMatchObject({ ok: true, virtualSizeBytes: DISK_BYTES });
  });

  const hostile: [string, string, Edit][] = [
    ['a backing file', 'backing-file', (bytes) => bytes.writeBigUInt64BE(0x210n, 8)],
    ['a backing file beyond 2^63', 'backing-file', (bytes) => bytes.writeBigUInt64BE(2n ** 63n, 8)],
    ['the length of a backing file’s name', 'backing-file', (bytes) => bytes.writeUInt32BE(9, 16)],
    [
      'the format of a backing file',
      'backing-file',
      (bytes) => void putExtension(bytes, QCOW2_HEADER_BYTES, 0xe2792aca, 'qcow2'),
    ],
    ['its data in another file', 'data-file', (bytes) => bytes.writeBigUInt64BE(4n, FEATURES)],
    [
      'the name of a data file, behind another extension',
      'data-file',
      (bytes) => {
        const next = putExtension(bytes, QCOW2_HEADER_BYTES, 0x6803f857, 'names');
        putExtension(bytes, next, 0x44415441, '/etc/passwd');
      },
    ],
    ['the next unknown feature', 'unknown-features', (bytes) => bytes.writeBigUInt64BE(32n, FEATURES)],
    ['the last unknown feature', 'unknown-features', (bytes) => bytes.writeBigUInt64BE(2n ** 63n, FEATURES)],
    ['an unknown compression', 'unknown-features', (bytes) => bytes.writeUInt8(2, 104)],
    ['a compression that its features lack', 'bad-header', (bytes) => bytes.writeUInt8(1, 104)],
    ['the mark of damage', 'corrupt', (bytes) => bytes.writeBigUInt64BE(2n, FEATURES)],
    ['AES', 'encrypted', (bytes) => bytes.writeUInt32BE(1, 32)],
    ['LUKS', 'encrypted', (bytes) => bytes.writeUInt32BE(2, 32)],
    ['unknown encryption', 'bad-header', (bytes) => bytes.writeUInt32BE(3, 32)],
    ['clusters of 256 bytes', 'bad-header', (bytes) => bytes.writeUInt32BE(8, 20)],
    ['clusters of 4 MiB', 'bad-header', (bytes) => bytes.writeUInt32BE(22, 20)],
    ['a header shorter than its fields', 'bad-header', (bytes) => bytes.writeUInt32BE(96, 100)],
    ['a header of odd length', 'bad-header', (bytes) => bytes.writeUInt32BE(109, 100)],
    ['a header longer than a cluster', 'bad-header', (bytes) => bytes.writeUInt32BE(65_544, 100)],
    ['version 0', 'unknown-version', (bytes) => bytes.writeUInt32BE(0, 4)],
    ['version 4', 'unknown-version', (bytes) => bytes.writeUInt32BE(4, 4)],
    ['version 1', 'unsupported-format', (bytes) => bytes.writeUInt32BE(1, 4)],
    ['no size', 'zero-virtual-size', (bytes) => bytes.writeBigUInt64BE(0n, 24)],
    ['1 EiB', 'virtual-size-too-large', (bytes) => bytes.writeBigUInt64BE(2n ** 60n, 24)],
    [
      'an extension longer than a cluster',
      'bad-header',
      (bytes) => {
        bytes.writeUInt32BE(0x6803f857, QCOW2_HEADER_BYTES);
        bytes.writeUInt32BE(0xffff_ffff, QCOW2_HEADER_BYTES + 4);
      },
    ],
  ];
  test.each(hostile)('with %s is refused: %s', (_, reason, edit) => {
    expect(inspect(qcow2File({ edit }))).toMatchObject({ ok: false, reason });
  });

  test('of version 2 is read from byte 72 on, where version 3 has its features', () => {
    const edit: Edit = (bytes) => void putExtension(bytes, 72, 0x44415441, 'data');
    expect(inspect(qcow2File({ version: 2, edit }))).toMatchObject({ reason: 'data-file' });
  });

  test('encrypted by LUKS may enter where that is allowed, by AES not even there', () => {
    const encrypted = (method: number) => qcow2File({ edit: (bytes) => bytes.writeUInt32BE(method, 32) });
    expect(inspect(encrypted(2), { allowLuks: true })).toMatchObject({ ok: true, format: 'qcow2' });
    expect(inspect(encrypted(1), { allowLuks: true })).toMatchObject({ ok: false, reason: 'encrypted' });
  });

  test('whose extensions go beyond what is kept is refused, and says so', () => {
    const bytes = Buffer.concat([qcow2File(), Buffer.alloc(2048 * KIB)]);
    bytes.writeUInt32BE(21, 20);
    bytes.writeUInt32BE(0x6803f857, QCOW2_HEADER_BYTES);
    bytes.writeUInt32BE(300 * KIB, QCOW2_HEADER_BYTES + 4);
    expect(inspect(bytes)).toMatchObject({
      reason: 'out-of-reach',
      message: 'its header extensions go beyond the first 256 KiB',
    });
  });

  test.each([
    ['its magic', 4],
    ['a header of version 2', 71],
    ['a header of version 3', 103],
    ['the type of its compression', 104],
    ['its extensions', QCOW2_HEADER_BYTES + 7],
  ])('that ends within %s is refused as truncated', (_, lengthBytes) => {
    const verdict = inspect(qcow2File().subarray(0, lengthBytes));
    expect(verdict).toMatchObject({ format: 'qcow2', reason: 'truncated' });
    expect(verdict).toHaveProperty(
      'message',
      expect.stringMatching(/^the file ends before the end of its qcow2/),
    );
  });

  test('that ends within the data of an extension is refused as truncated', () => {
    const edit: Edit = (bytes) => void putExtension(bytes, QCOW2_HEADER_BYTES, 0x6803f857, 'feature names');
    const file = qcow2File({ edit });
    expect(inspect(file.subarray(0, QCOW2_HEADER_BYTES + 20))).toMatchObject({ reason: 'truncated' });
  });
});
