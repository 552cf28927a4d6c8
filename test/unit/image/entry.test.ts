import { describe, expect, test } from 'vitest';
import type { DiskFormat } from '../../../src/domain/image.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import { decideEntry, decideInner, type EntryRules, requireKept } from '../../../src/image/entry.ts';
import type { AcceptedFile, FoundFormat } from '../../../src/image/inspect/verdict.ts';

const RULES: EntryRules = {
  inspection: { maxVirtualSizeBytes: 2 ** 40 },
  requireMatch: true,
  decompression: true,
  conversion: true,
  introspection: true,
};
const LAX: EntryRules = { ...RULES, requireMatch: false };
const KEEP: EntryRules = { ...RULES, conversion: false };
const PACKED: EntryRules = { ...RULES, decompression: false };

const file = (format: FoundFormat): AcceptedFile => ({
  ok: true,
  format,
  virtualSizeBytes: 4096,
  variant: undefined,
  properties: { found: 'yes' },
});

/** What becomes of it, in a word or two. */
function entry(found: FoundFormat, declared: DiskFormat, rules = RULES): string {
  try {
    const decided = decideEntry(file(found), { diskFormat: declared, containerFormat: 'bare' }, rules);
    if (decided.do === 'decompress') return `unpack ${decided.compression}`;
    return `${decided.do} as ${decided.format.diskFormat}`;
  } catch (error) {
    return Refusal.from(error).code;
  }
}

describe('what becomes of a file', () => {
  test.each<[FoundFormat, DiskFormat, EntryRules, string]>([
    ['raw', 'raw', RULES, 'keep as raw'],
    ['raw', 'ari', RULES, 'keep as ari'],
    ['raw', 'qcow2', RULES, 'INVALID'],
    ['raw', 'qcow2', LAX, 'keep as raw'],
    ['iso', 'iso', RULES, 'keep as iso'],
    ['iso', 'qcow2', LAX, 'keep as iso'],
    ['qcow2', 'qcow2', RULES, 'convert as raw'],
    ['qcow2', 'raw', RULES, 'INVALID'],
    ['qcow2', 'raw', LAX, 'convert as raw'],
    ['qcow2', 'qcow2', KEEP, 'keep as qcow2'],
    // It is what it is, whatever it was called.
    ['qcow2', 'raw', { ...KEEP, requireMatch: false }, 'keep as qcow2'],
    ['vmdk', 'vmdk', RULES, 'convert as raw'],
    ['vhd', 'vhd', RULES, 'convert as raw'],
    ['vhdx', 'vhdx', RULES, 'convert as raw'],
    ['vdi', 'vdi', RULES, 'convert as raw'],
    ['ploop', 'ploop', RULES, 'convert as raw'],
    ['gzip', 'raw', RULES, 'unpack gzip'],
    ['xz', 'qcow2', RULES, 'unpack xz'],
    ['zstd', 'raw', PACKED, 'UNSUPPORTED'],
    // A ramdisk is packed in itself, and handed to the guest as it is.
    ['gzip', 'ari', RULES, 'keep as ari'],
  ])('%s that was declared as %s', (found, declared, rules, expected) => {
    expect(entry(found, declared, rules)).toBe(expected);
  });

  test('a file that is opaque is kept as it was declared, with nothing said of what is in it', () => {
    const declared = { diskFormat: 'vmdk', containerFormat: 'ova' } as const;
    expect(decideEntry(undefined, declared, RULES)).toEqual({
      do: 'keep',
      format: { ...declared, properties: {} },
      virtualSizeBytes: undefined,
    });
  });

  test('what headers say becomes properties only where that is wanted', () => {
    const declared = { diskFormat: 'raw', containerFormat: 'bare' } as const;
    const properties = (rules: EntryRules) => requireKept(file('raw'), declared, rules).format.properties;
    expect(properties(RULES)).toEqual({ found: 'yes' });
    expect(properties({ ...RULES, introspection: false })).toEqual({});
  });

  test('what is kept as its bytes come has nothing to be unpacked or converted', () => {
    for (const [found, diskFormat] of [
      ['gzip', 'raw'],
      ['qcow2', 'qcow2'],
    ] as const) {
      const kept = () => requireKept(file(found), { diskFormat, containerFormat: 'bare' }, RULES);
      expect(kept).toThrow('has to be unpacked or converted first');
    }
  });

  test('what was unpacked is not unpacked again', () => {
    const declared = { diskFormat: 'qcow2', containerFormat: 'compressed' } as const;
    expect(() => decideInner(file('xz'), declared, RULES)).toThrow('another compressed file (xz)');
    expect(decideInner(file('qcow2'), declared, RULES)).toMatchObject({
      do: 'convert',
      from: 'qcow2',
      format: { diskFormat: 'raw', containerFormat: 'bare' },
    });
  });
});
