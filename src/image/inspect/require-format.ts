import type { DiskFormat } from '../../domain/image.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AcceptedFile, FoundFormat, Verdict } from './verdict.ts';

/** Kernels and ramdisks are handed to a guest as they are, and are often compressed in themselves. */
const BOOT_FILE: readonly FoundFormat[] = ['raw', 'gzip', 'zstd', 'xz'];

/**
 * What may be found where a format was declared. A disk with partitions counts as raw, as in Glance until it
 * knew `gpt`, and so does one that is encrypted by LUKS, which is stored as it is.
 */
const FITS: Readonly<Record<DiskFormat, readonly FoundFormat[]>> = {
  raw: ['raw', 'luks'],
  qcow2: ['qcow2'],
  vmdk: ['vmdk'],
  vhd: ['vhd'],
  vhdx: ['vhdx'],
  vdi: ['vdi'],
  iso: ['iso'],
  ploop: ['ploop'],
  aki: BOOT_FILE,
  ari: BOOT_FILE,
  ami: ['raw'],
};

/**
 * What was found, if it may enter as what it was declared to be. INVALID with the verdict's sentence and hint
 * where it is a refusal, and where something else was found: a guest would write a header of another format
 * into a disk that was declared raw, and have the next reader believe it.
 */
export function requireFormat(verdict: Verdict, declared: DiskFormat): AcceptedFile {
  if (!verdict.ok) throw new Refusal('INVALID', verdict.message, { hint: verdict.hint });
  if (FITS[declared].includes(verdict.format)) return verdict;
  throw new Refusal('INVALID', `the file is ${verdict.format}, but was declared as ${declared}`, {
    hint: isDeclarable(verdict.format)
      ? `if that is what it should be, declare it: --disk-format ${verdict.format}`
      : 'look at how the file was made: `file IMAGE`, `qemu-img info IMAGE`',
  });
}

function isDeclarable(format: FoundFormat): boolean {
  return Object.hasOwn(FITS, format);
}
