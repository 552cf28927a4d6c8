import { hasAt } from './probe.ts';

const BOOT_SECTOR_BYTES = 512;
const SIGNATURE = { offset: 510, bytes: Buffer.from([0x55, 0xaa]) };
const ENTRIES = { offset: 446, lengthBytes: 16, count: 4 };

const INACTIVE = 0x00;
const ACTIVE = 0x80;
const UNUSED_TYPE = 0x00;
/** A partition over the whole disk, that keeps old tools from a disk with a GPT. */
const PROTECTIVE_TYPE = 0xee;

/** In the first block, of 512 or 4096 bytes, after the MBR. */
const GPT_HEADER = Buffer.from('EFI PART');
const BLOCK_SIZES = [512, 4096];

/**
 * The partition table of a disk; undefined when it has none that makes sense.
 *
 * Senseless ones are no ground for refusal: a kernel, a file system's boot sector and boot code by itself bear
 * the signature too, and nothing follows what a table says before a guest does. Glance can be told the same
 * (`gpt_safety_checks_nonfatal`).
 */
export function partitionTable(head: Buffer): 'gpt' | 'mbr' | undefined {
  if (head.length < BOOT_SECTOR_BYTES || !hasAt(head, SIGNATURE.offset, SIGNATURE.bytes)) return undefined;
  const entries = Array.from({ length: ENTRIES.count }, (_, index) => {
    const start = ENTRIES.offset + index * ENTRIES.lengthBytes;
    return { flag: head.readUInt8(start), type: head.readUInt8(start + 4) };
  });
  if (entries.some(({ flag }) => flag !== INACTIVE && flag !== ACTIVE)) return undefined;
  if (entries.every(({ type }) => type === UNUSED_TYPE)) return undefined;
  const hasGpt = BLOCK_SIZES.some((block) => hasAt(head, block, GPT_HEADER));
  return hasGpt && entries.some(({ type }) => type === PROTECTIVE_TYPE) ? 'gpt' : 'mbr';
}
