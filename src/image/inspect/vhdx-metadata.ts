import {
  badHeader,
  differencing,
  type Finding,
  hasAt,
  MAX_FAR_BYTES,
  part,
  UnacceptableError,
} from './probe.ts';

const SIGNATURE = Buffer.from('metadata');
/** Items lie behind the table, in the same region. */
const TABLE_BYTES = 64 * 1024;
const ENTRIES = { offset: 32, lengthBytes: 32, max: 2047 };
const IS_REQUIRED = 1 << 2;

/** GUIDs as they are on disk. */
const FILE_PARAMETERS = '3767a1ca36fa434db3b633f0aa44e76b';
const VIRTUAL_DISK_SIZE = '2442a52f1bcd7648b2115dbed83bf4b8';
const PARENT_LOCATOR = '2d5fd3a80bb34d45abf7d3d84834ab0c';
const OTHER_ITEMS = [
  // The disk's own number, {BECA12AB-B2E6-4523-93EF-C309E000C746}
  'ab12cabee6b2234593efc309e000c746',
  // The sizes of logical and of physical sectors
  '1dbf41816fa90947ba47f233a8faab5f',
  'c748a3cd5d4471449cc9e9885251c556',
];
const KNOWN_ITEMS = [FILE_PARAMETERS, VIRTUAL_DISK_SIZE, PARENT_LOCATOR, ...OTHER_ITEMS];

/** Of the file parameters' flags. */
const LEAVE_BLOCKS_ALLOCATED = 1 << 0;
const HAS_PARENT = 1 << 1;

/**
 * The metadata of a VHDX (MS-VHDX 2.6): `bytes` from the region's beginning, MAX_FAR_BYTES of them at most;
 * `regionBytes` as the region table has it.
 */
export function readMetadata(bytes: Buffer, regionBytes: number): Finding {
  if (regionBytes < TABLE_BYTES) throw badHeader('the metadata of the VHDX is too short for its table');
  const table = part(bytes, 0, TABLE_BYTES, 'VHDX metadata');
  if (!hasAt(table, 0, SIGNATURE)) throw badHeader('the metadata of the VHDX is not where it should be');
  const entries = entriesOf(table);
  if (entries.has(PARENT_LOCATOR)) throw differencing('VHDX');
  const parameters = item(bytes, entries.get(FILE_PARAMETERS), 8);
  const flags = parameters.readUInt32LE(4);
  if ((flags & HAS_PARENT) !== 0) throw differencing('VHDX');
  return {
    virtualSizeBytes: item(bytes, entries.get(VIRTUAL_DISK_SIZE), 8).readBigUInt64LE(),
    variant: (flags & LEAVE_BLOCKS_ALLOCATED) === 0 ? 'dynamic' : 'fixed',
  };
}

/** By GUID. */
function entriesOf(table: Buffer): Map<string, Buffer> {
  const count = table.readUInt16LE(10);
  if (count > ENTRIES.max) throw badHeader(`the VHDX says that it has ${count} items of metadata`);
  const entries = new Map<string, Buffer>();
  for (let index = 0; index < count; index++) {
    const start = ENTRIES.offset + index * ENTRIES.lengthBytes;
    const entry = table.subarray(start, start + ENTRIES.lengthBytes);
    const guid = entry.toString('hex', 0, 16);
    if (!KNOWN_ITEMS.includes(guid)) {
      if ((entry.readUInt32LE(24) & IS_REQUIRED) === 0) continue;
      throw new UnacceptableError(
        'unknown-features',
        'the VHDX needs an item of metadata that is not known',
        'convert it with the tool that made it, without what is new in it',
      );
    }
    if (entries.has(guid)) throw badHeader('the VHDX has an item of metadata twice');
    entries.set(guid, entry);
  }
  return entries;
}

function item(bytes: Buffer, entry: Buffer | undefined, lengthBytes: number): Buffer {
  if (entry === undefined) throw badHeader('the metadata of the VHDX lacks its size or its parameters');
  const offset = entry.readUInt32LE(16);
  if (offset < TABLE_BYTES || entry.readUInt32LE(20) !== lengthBytes) {
    throw badHeader('an item of metadata of the VHDX lies within the table, or has another length');
  }
  if (offset + lengthBytes > MAX_FAR_BYTES) {
    throw new UnacceptableError(
      'out-of-reach',
      `an item of metadata of the VHDX lies beyond the first ${MAX_FAR_BYTES / 1024} KiB of them`,
      'make it anew: `qemu-img convert -O vhdx IMAGE NEW.vhdx`',
    );
  }
  return part(bytes, offset, lengthBytes, 'VHDX metadata');
}
