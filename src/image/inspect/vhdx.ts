import {
  badHeader,
  type FarRange,
  HEAD_BYTES,
  hasAt,
  MAX_FAR_BYTES,
  type Probe,
  part,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';
import { readMetadata } from './vhdx-metadata.ts';

const KIB = 1024;
const GIB = KIB ** 3;

const SIGNATURE = Buffer.from('vhdxfile');

/** Two of them, written in turn: the one with the higher sequence number counts. */
const HEADERS = { offsets: [64 * KIB, 128 * KIB], signature: Buffer.from('head'), lengthBytes: 80 };
const HEADER_VERSION = 1;

const REGION_TABLE = { offset: 192 * KIB, signature: Buffer.from('regi'), lengthBytes: 64 * KIB };
const REGION_ENTRIES = { offset: 16, lengthBytes: 32, max: 2047 };

/** {8B7CA206-4790-4B9A-B8FE-575F050F886E} and {2DC27766-F623-4200-9D64-115E9BFD4A08}, as they are on disk. */
const METADATA_REGION = '06a27c8b90479a4bb8fe575f050f886e';
const BLOCK_TABLE_REGION = '6677c22d23f600429d64115e9bfd4a08';

/** Regions begin at whole MiB after the first. */
const REGION_ALIGNMENT = 1024n * 1024n;

/**
 * How far into the file the metadata may lie. It may lie anywhere, but all who write it put it before the
 * data; behind the longest log (4 GiB) and the table of blocks of the largest disk (64 TiB) it is nearer than this.
 */
const FARTHEST_METADATA = 8 * GIB;

/** Hyper-V's disk (MS-VHDX). Checksums (CRC-32C) are left to whoever reads the data. */
export const vhdx: Probe = {
  format: 'vhdx',
  matches: (head) => hasAt(head, 0, SIGNATURE),
  read(head) {
    checkCurrentHeader(head);
    return { virtualSizeBytes: undefined, far: metadataRange(head) };
  },
};

function checkCurrentHeader(head: Buffer): void {
  const headers = HEADERS.offsets
    .map((offset) => part(head, offset, HEADERS.lengthBytes, 'VHDX headers'))
    .filter((header) => hasAt(header, 0, HEADERS.signature));
  const [first, second] = headers;
  if (first === undefined) throw badHeader('neither of the two headers of the VHDX is there');
  const isSecond = second !== undefined && second.readBigUInt64LE(8) > first.readBigUInt64LE(8);
  const current = isSecond ? second : first;
  const version = current.readUInt16LE(66);
  if (version !== HEADER_VERSION) throw unknownVersion('VHDX version', version);
  if (current.subarray(48, 64).some((byte) => byte !== 0)) {
    throw new UnacceptableError(
      'pending-log',
      'the VHDX was not closed: its log holds changes of what it says of itself',
      'let the program that wrote it open and close it, or run `qemu-img check -r all IMAGE`',
    );
  }
}

function metadataRange(head: Buffer): FarRange {
  const { offset, lengthBytes, signature } = REGION_TABLE;
  const table = part(head, offset, lengthBytes, 'VHDX region table');
  if (!hasAt(table, 0, signature)) throw badHeader('the region table of the VHDX is not there');
  const region = metadataRegion(table);
  if (region.offset % REGION_ALIGNMENT !== 0n || region.offset < HEAD_BYTES) {
    throw badHeader(`the metadata of the VHDX lies at byte ${region.offset}, where no region can begin`);
  }
  if (region.offset > FARTHEST_METADATA) {
    throw new UnacceptableError(
      'out-of-reach',
      `the metadata of the VHDX lies beyond the first ${FARTHEST_METADATA / GIB} GiB`,
      'make it anew: `qemu-img convert -O vhdx IMAGE NEW.vhdx`',
    );
  }
  const range = { offset: Number(region.offset), lengthBytes: Math.min(region.lengthBytes, MAX_FAR_BYTES) };
  return { ...range, read: (bytes) => readMetadata(bytes, region.lengthBytes) };
}

function metadataRegion(table: Buffer): { offset: bigint; lengthBytes: number } {
  const count = table.readUInt32LE(8);
  if (count > REGION_ENTRIES.max) throw badHeader(`the VHDX says that it has ${count} regions`);
  let found: Buffer | undefined;
  for (let index = 0; index < count; index++) {
    const start = REGION_ENTRIES.offset + index * REGION_ENTRIES.lengthBytes;
    const entry = table.subarray(start, start + REGION_ENTRIES.lengthBytes);
    const guid = entry.toString('hex', 0, 16);
    if (guid === METADATA_REGION) {
      if (found !== undefined) throw badHeader('the VHDX has two regions of metadata');
      found = entry;
    } else if (guid !== BLOCK_TABLE_REGION && (entry.readUInt32LE(28) & 1) !== 0) {
      throw new UnacceptableError(
        'unknown-features',
        'the VHDX needs a region that is not known',
        'convert it with the tool that made it, without what is new in it',
      );
    }
  }
  if (found === undefined) throw badHeader('the VHDX has no region of metadata');
  return { offset: found.readBigUInt64LE(16), lengthBytes: found.readUInt32LE(24) };
}
