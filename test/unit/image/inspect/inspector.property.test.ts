import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Inspector } from '../../../../src/image/inspect/inspector.ts';
import { MAX_KEPT_BYTES } from '../../../../src/image/inspect/stream-window.ts';
import type { Verdict } from '../../../../src/image/inspect/verdict.ts';
import {
  dynamicVhd,
  isoFile,
  KIB,
  luksFile,
  noise,
  ploopFile,
  putGpt,
  qcow2File,
  VHDX,
  VMDK_DESCRIPTOR,
  vdiFile,
  vhdFooter,
  vhdxFile,
  vmdkFile,
} from './files.ts';
import { LIMITS } from './inspection.ts';

const FILES = [
  qcow2File(),
  qcow2File({ version: 2 }),
  vmdkFile(),
  vmdkFile({ footer: true }),
  Buffer.from(VMDK_DESCRIPTOR),
  dynamicVhd(),
  Buffer.concat([noise(512), vhdFooter(2, (footer) => footer.writeBigUInt64BE(512n, 48))]),
  vhdxFile(),
  vdiFile(),
  ploopFile(),
  luksFile(1),
  luksFile(2),
  isoFile(putGpt),
  noise(300 * KIB),
];

/** Where headers are: mutations elsewhere change little. */
const offsets = fc.oneof(
  { weight: 8, arbitrary: fc.nat(1100) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(VHDX.firstHeader, VHDX.secondHeader, VHDX.regions, VHDX.metadata)
      .chain((start) => fc.nat(200).map((offset) => start + offset)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(VHDX.items, 32 * KIB)
      .chain((start) => fc.nat(20).map((offset) => start + offset)),
  },
  { weight: 1, arbitrary: fc.nat(1536).map((fromEnd) => -1 - fromEnd) },
);
const values = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0xff), fc.nat(255));
const mutations = fc.array(fc.tuple(offsets, fc.array(values, { minLength: 1, maxLength: 8 })), {
  maxLength: 6,
});

type Mutation = readonly [offset: number, values: readonly number[]];

/** A negative offset counts from the end; bytes that would lie outside are left out. */
function mutate(bytes: Buffer, mutations: readonly Mutation[]): void {
  for (const [offset, values] of mutations) {
    const start = offset < 0 ? bytes.length + offset : offset;
    for (const [index, value] of values.entries()) {
      if (start + index >= 0 && start + index < bytes.length) bytes[start + index] = value;
    }
  }
}

/** A sound file, some of its bytes changed, cut short or followed by more. */
const spoiltFiles = fc
  .record({
    file: fc.constantFrom(...FILES),
    mutations,
    cut: fc.option(fc.oneof(fc.nat(2048), fc.nat(1300 * KIB)), { freq: 3 }),
    more: fc.constantFrom(0, 0, 0, 1, 511, 100 * KIB),
  })
  .map(({ file, mutations, cut, more }) => {
    const bytes = Buffer.concat([file, Buffer.alloc(more, 0x5a)]);
    mutate(bytes, mutations);
    return bytes.subarray(0, cut ?? bytes.length);
  });

const MAGICS = [
  '',
  'QFI\xfb\0\0\0\x02',
  'QFI\xfb\0\0\0\x03',
  'KDMV\x01\0\0\0',
  'conectix',
  'vhdxfile',
  'WithouFreSpacExt',
  'LUKS\xba\xbe\0\x01',
  '# Disk DescriptorFile\n',
  'QED\0',
  'PK\x03\x04',
];

/** Bytes of which at most the first few mean something. */
const arbitraryFiles = fc
  .tuple(fc.constantFrom(...MAGICS), fc.uint8Array({ maxLength: 3000, size: 'max' }))
  .map(([magic, bytes]) => Buffer.concat([Buffer.from(magic, 'latin1'), bytes]));

/** Lengths of pieces, used in turn. */
const cuts = fc.array(fc.oneof(fc.nat(20), fc.nat(5000), fc.nat(400 * KIB)), { minLength: 1, maxLength: 12 });

/** Through one buffer that is used again, as a caller does it. */
function verdictInPieces(file: Buffer, lengths: readonly number[], allowLuks: boolean): Verdict {
  const inspector = new Inspector({ ...LIMITS, allowLuks });
  const buffer = Buffer.alloc(400 * KIB);
  let offset = 0;
  for (let turn = 0; offset < file.length; turn++) {
    // Many short pieces, and then long ones: a file in pieces of a few bytes has a test of its own.
    const length = turn < 200 ? (lengths[turn % lengths.length] ?? 1) : buffer.length;
    const piece = file.subarray(offset, offset + length);
    buffer.set(piece);
    inspector.write(buffer.subarray(0, piece.length));
    buffer.fill(0xc7, 0, piece.length);
    expect(inspector.keptBytes).toBeLessThanOrEqual(MAX_KEPT_BYTES);
    offset += piece.length;
  }
  return inspector.end();
}

function expectSound(verdict: Verdict): void {
  if (verdict.ok) {
    const { virtualSizeBytes = 1 } = verdict;
    expect(Number.isSafeInteger(virtualSizeBytes) && virtualSizeBytes > 0).toBe(true);
    expect(virtualSizeBytes).toBeLessThanOrEqual(LIMITS.maxVirtualSizeBytes);
  } else {
    // A person reads it, on a terminal.
    expect(verdict.message).toMatch(/^[\x20-\x7e]{10,200}$/);
    expect(verdict.hint).toMatch(/^[\x20-\x7e]{10,300}$/);
  }
}

describe('whatever a file is, and however it is cut', () => {
  test.each([
    ['spoilt files of each format', spoiltFiles, 1500],
    ['arbitrary bytes', arbitraryFiles, 1500],
  ])('%s get a verdict, the same one, within the memory', (_, files, numRuns) => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(files, cuts, fc.boolean(), (file, lengths, allowLuks) => {
        const whole = new Inspector({ ...LIMITS, allowLuks });
        whole.write(file);
        const verdict = whole.end();
        expectSound(verdict);
        expect(verdictInPieces(file, lengths, allowLuks)).toEqual(verdict);
        seen.add(verdict.ok ? verdict.format : verdict.reason);
      }),
      { numRuns },
    );
    // The files must be good enough to get beyond the first check, and bad enough to be refused.
    expect(seen.size).toBeGreaterThan(8);
  });
});
