import { describe, expect, test } from 'vitest';
import { Inspector } from '../../../../src/image/inspect/inspector.ts';
import { HEAD_BYTES } from '../../../../src/image/inspect/probe.ts';
import { MAX_KEPT_BYTES } from '../../../../src/image/inspect/stream-window.ts';
import {
  DISK_BYTES,
  dynamicVhd,
  fixedVhd,
  isoFile,
  KIB,
  luksFile,
  MIB,
  noise,
  ploopFile,
  qcow2File,
  VHDX,
  vdiFile,
  vhdFooter,
  vhdxFile,
  vmdkFile,
} from './files.ts';
import { inspect, LIMITS, PIECES } from './inspection.ts';

/** Puts the signs of an ISO image into a file of another format. */
function withIso(file: Buffer): Buffer {
  const both = Buffer.alloc(Math.max(file.length, 40 * KIB));
  file.copy(both);
  both.write('\x01CD001\x01', 32 * KIB, 'latin1');
  return both;
}

function withVhdFooter(file: Buffer): Buffer {
  return Buffer.concat([file, vhdFooter(2, (footer) => footer.writeBigUInt64BE(512n, 48))]);
}

function withVdi(file: Buffer): Buffer {
  const both = Buffer.from(file);
  both.writeUInt32LE(0xbeda107f, 0x40);
  return both;
}

describe('two formats at once', () => {
  test.each([
    ['qcow2 and iso', withIso(qcow2File())],
    ['vmdk and iso', withIso(vmdkFile())],
    ['vhd and iso', withIso(dynamicVhd())],
    ['ploop and iso', withIso(ploopFile())],
    ['gzip and iso', withIso(Buffer.from([0x1f, 0x8b, 0x08]))],
    ['qcow2 and vdi', withVdi(qcow2File())],
    ['qcow2 and vhd', withVhdFooter(qcow2File())],
    ['vmdk and vhd', withVhdFooter(vmdkFile())],
    ['vdi and vhd', withVhdFooter(vdiFile())],
    ['iso and vhd', withVhdFooter(isoFile())],
    ['vhdx and vhd', withVhdFooter(vhdxFile())],
  ])('%s are refused, and named', (formats, file) => {
    const verdict = inspect(file);
    expect(verdict).toMatchObject({ ok: false, format: undefined, reason: 'two-formats' });
    expect(verdict).toHaveProperty('message', `it is of two formats at once: ${formats}`);
  });

  test('three are refused too', () => {
    expect(inspect(withIso(withVdi(qcow2File())))).toMatchObject({
      message: 'it is of several formats at once: qcow2 and vdi and iso',
    });
  });
});

describe('sizes', () => {
  test('nothing is refused as empty, also when it comes in pieces', () => {
    const inspector = new Inspector(LIMITS);
    inspector.write(Buffer.alloc(0));
    expect(inspector.end()).toMatchObject({ ok: false, format: undefined, reason: 'empty' });
  });

  test.each([
    ['raw', noise(DISK_BYTES)],
    ['iso', Buffer.concat([isoFile(), Buffer.alloc(DISK_BYTES - 40 * KIB)])],
    ['qcow2', qcow2File()],
    ['vhdx', vhdxFile()],
    ['vhd', fixedVhd()],
  ])('a %s disk of the size allowed may enter, of one byte more not', (format, file) => {
    expect(inspect(file, { maxVirtualSizeBytes: DISK_BYTES })).toMatchObject({ ok: true, format });
    expect(inspect(file, { maxVirtualSizeBytes: DISK_BYTES - 1 })).toMatchObject({
      ok: false,
      reason: 'virtual-size-too-large',
      message: expect.stringContaining(`is larger than the ${DISK_BYTES - 1} bytes allowed`),
    });
  });

  test('a size beyond 2^53 is said to the byte, and refused also where there is no limit', () => {
    const file = qcow2File({ edit: (bytes) => bytes.writeBigUInt64BE(2n ** 53n + 1n, 24) });
    expect(inspect(file, { maxVirtualSizeBytes: Number.POSITIVE_INFINITY })).toMatchObject({
      reason: 'virtual-size-too-large',
      message: 'the disk, of 9007199254740993 bytes, is larger than the 9007199254740991 bytes allowed',
    });
  });
});

describe('a stream', () => {
  test.each([
    [
      'a hostile header',
      Buffer.concat([qcow2File({ edit: (b) => b.writeUInt8(1, 8) }), noise(MIB)]),
      HEAD_BYTES,
    ],
    ['two formats', Buffer.concat([withIso(qcow2File()), noise(MIB)]), HEAD_BYTES],
    [
      'a size in the header',
      Buffer.concat([qcow2File({ edit: (b) => b.writeUInt8(1, 24) }), noise(MIB)]),
      HEAD_BYTES,
    ],
    [
      'hostile metadata behind it',
      vhdxFile((b) => b.writeUInt32LE(2, VHDX.items + 4)),
      VHDX.metadata + 128 * KIB,
    ],
    ['raw data that does not end', Buffer.alloc(DISK_BYTES + MIB, 1), DISK_BYTES + 513],
  ])('is decided by %s as soon as it is there', (_, file, decidedBytes) => {
    const inspector = new Inspector({ maxVirtualSizeBytes: DISK_BYTES });
    inspector.write(file.subarray(0, decidedBytes - 1));
    expect(inspector.isDecided).toBe(false);
    inspector.write(file.subarray(decidedBytes - 1, decidedBytes));
    expect(inspector.isDecided).toBe(true);
    const verdict = inspector.end();
    expect(verdict.ok).toBe(false);
    inspector.write(file.subarray(decidedBytes));
    expect(inspector.end()).toBe(verdict);
  });

  test('that is good is not decided before its end: that could be a VHD’s', () => {
    const inspector = new Inspector(LIMITS);
    inspector.write(Buffer.concat([qcow2File(), noise(MIB)]));
    expect(inspector.isDecided).toBe(false);
    expect(inspector.end()).toMatchObject({ ok: true, format: 'qcow2' });
    expect(inspector.isDecided).toBe(true);
  });

  test.each(PIECES)('gets the same verdict in pieces of %d bytes', (pieceBytes) => {
    const files = [
      qcow2File(),
      qcow2File({ edit: (bytes) => bytes.writeUInt8(1, 8) }),
      vmdkFile({ footer: true }),
      vmdkFile({ footer: true, edit: (bytes) => bytes.writeUInt8(9, bytes.length - 1000) }),
      dynamicVhd(),
      withVhdFooter(noise(512)),
      vhdxFile(),
      vdiFile(),
      ploopFile(),
      luksFile(1),
      isoFile(),
      noise(HEAD_BYTES),
      noise(HEAD_BYTES + 1),
    ];
    for (const file of files) expect(inspect(file, {}, pieceBytes)).toEqual(inspect(file));
  });

  test('of a tebibyte costs neither its memory nor a copy of it', () => {
    // Copied, a tebibyte would take minutes; what is kept of it takes less than a second.
    const piece = Buffer.alloc(64 * MIB);
    const inspector = new Inspector({ maxVirtualSizeBytes: 2 ** 41 });
    for (let written = 0; written < 2 ** 40; written += piece.length) inspector.write(piece);
    expect(inspector.keptBytes).toBeLessThanOrEqual(MAX_KEPT_BYTES);
    expect(inspector.end()).toMatchObject({ ok: true, format: 'raw', virtualSizeBytes: 2 ** 40 });
  });

  test('whose metadata lie far behind is kept only where they lie', () => {
    const far = 5000;
    const file = vhdxFile((bytes) => bytes.writeBigUInt64LE(BigInt(far * MIB), VHDX.regions + 16 + 32 + 16));
    const inspector = new Inspector(LIMITS);
    inspector.write(file.subarray(0, MIB));
    const hole = Buffer.alloc(MIB, 0xee);
    for (let mib = 1; mib < far; mib++) inspector.write(hole);
    inspector.write(file.subarray(MIB));
    expect(inspector.keptBytes).toBe(MAX_KEPT_BYTES);
    expect(inspector.end()).toMatchObject({ ok: true, format: 'vhdx', virtualSizeBytes: DISK_BYTES });
  });

  test('holds less than 400 KiB, and little of a small file', () => {
    expect(MAX_KEPT_BYTES).toBeLessThan(400 * KIB);
    const inspector = new Inspector(LIMITS);
    expect(inspector.keptBytes).toBe(0);
    inspector.write(Buffer.from('small'));
    expect(inspector.keptBytes).toBeLessThan(16 * KIB);
  });
});
