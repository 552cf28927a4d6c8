import {
  type EndFinding,
  type FileEnd,
  type Finding,
  HINT_COPY_AGAIN,
  hasAt,
  type Probe,
  type ProbeLimits,
  part,
  quoted,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';
import { looksLikeDescriptor, parseDescriptor } from './vmdk-descriptor.ts';

const SECTOR_BYTES = 512;

/** A sparse extent of hosted products (VMware's Virtual Disk Format 5.0), the only one that is whole in one file. */
const MAGIC = Buffer.from('KDMV');
/** Extents of ESX: copy on write, and the newer seSparse. */
const ESX_MAGICS = [Buffer.from('COWD'), Buffer.from([0xbe, 0xba, 0xfe, 0xca, 0, 0, 0, 0])];

const VERSIONS = { min: 1, max: 3 };

/** The descriptor's place. QEMU looks for a parent in these sectors whatever the header says of it. */
const DESCRIPTOR_SECTOR = 1;
const DESCRIPTOR_OFFSET = DESCRIPTOR_SECTOR * SECTOR_BYTES;
/** So much QEMU reads of it, also where the header says that it is shorter. */
const LEAST_READ_BYTES = 20 * SECTOR_BYTES;
/** All known writers stay below 10 KiB. */
const MAX_DESCRIPTOR_BYTES = 64 * 1024;

/** In place of the offset of the grain directory: it, and all that counts, is in the footer. */
const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
/** Sectors of metadata in a stream begin with their length in sectors, a size of 0, and their type. */
const FOOTER_MARKER = Buffer.from([0, 0, 0, 0, 3, 0, 0, 0]);
const END_OF_STREAM_MARKER = Buffer.alloc(16);

/** Fields in which a footer has to be as the header: what the disk is, and where its descriptor lies. */
const SAME_IN_FOOTER = [
  // Magic, version, flags, capacity, size of grains, the descriptor's place and size, size of grain tables
  { from: 0, to: 48 },
  // Compression
  { from: 77, to: 79 },
];
const DIRECTORY_OFFSET = 56;

/** Names of Glance and Nova, from `ddb.adapterType` in lower case. */
const ADAPTER_TYPES: Readonly<Record<string, string>> = {
  ide: 'ide',
  lsilogic: 'lsiLogic',
  buslogic: 'busLogic',
  lsisas1068: 'lsiLogicsas',
  pvscsi: 'paraVirtual',
};
const DISK_TYPES: Readonly<Record<string, string>> = {
  streamoptimized: 'streamOptimized',
  monolithicsparse: 'sparse',
};

const HINT_WHOLE =
  'make it whole in one file: `qemu-img convert -O vmdk -o subformat=streamOptimized IMAGE NEW.vmdk`';

export const vmdk: Probe = {
  format: 'vmdk',
  matches: (head) =>
    hasAt(head, 0, MAGIC) || ESX_MAGICS.some((magic) => hasAt(head, 0, magic)) || looksLikeDescriptor(head),
  read(head, limits) {
    if (ESX_MAGICS.some((magic) => hasAt(head, 0, magic))) {
      throw new UnacceptableError('unsupported-format', 'it is an extent of an ESX disk', HINT_WHOLE);
    }
    if (!hasAt(head, 0, MAGIC)) {
      throw new UnacceptableError(
        'separate-descriptor',
        'the file only describes a VMDK disk: the data is in other files, which it names',
        HINT_WHOLE,
      );
    }
    return readSparse(head, limits);
  },
};

function readSparse(head: Buffer, { vmdkTypes }: ProbeLimits): Finding {
  const header = part(head, 0, SECTOR_BYTES, 'VMDK header');
  const version = header.readUInt32LE(4);
  if (version < VERSIONS.min || version > VERSIONS.max) throw unknownVersion('VMDK version', version);
  const { createType, adapterType } = parseDescriptor(descriptorText(head, header));
  if (!vmdkTypes.some((type) => type.toLowerCase() === createType.toLowerCase())) {
    throw new UnacceptableError(
      'vmdk-type',
      `VMDK disks of type ${quoted(createType)} are not allowed`,
      `allowed: ${vmdkTypes.join(', ') || 'none'}; e.g. \`qemu-img convert -O vmdk -o subformat=streamOptimized\``,
    );
  }
  const adapter = ADAPTER_TYPES[adapterType.toLowerCase()];
  const disk = DISK_TYPES[createType.toLowerCase()];
  const hasFooter = header.readBigUInt64LE(DIRECTORY_OFFSET) === DIRECTORY_AT_END;
  const virtualSizeBytes = header.readBigUInt64LE(12) * BigInt(SECTOR_BYTES);
  return {
    virtualSizeBytes,
    variant: createType,
    properties: {
      ...(adapter !== undefined && { vmware_adaptertype: adapter }),
      ...(disk !== undefined && { vmware_disktype: disk }),
    },
    ...(hasFooter && { atEnd: (end) => checkFooter(header, end, virtualSizeBytes) }),
  };
}

function descriptorText(head: Buffer, header: Buffer): string {
  const sector = header.readBigUInt64LE(28);
  const sectors = header.readBigUInt64LE(36);
  if (sector === 0n || sectors === 0n) {
    throw new UnacceptableError(
      'vmdk-descriptor',
      'it is one extent of a VMDK disk, without a descriptor of the whole',
      HINT_WHOLE,
    );
  }
  if (sector !== BigInt(DESCRIPTOR_SECTOR)) {
    throw new UnacceptableError(
      'vmdk-descriptor',
      `the descriptor of the VMDK is not where readers look for it, but in sector ${sector}`,
      HINT_WHOLE,
    );
  }
  const lengthBytes = sectors * BigInt(SECTOR_BYTES);
  if (lengthBytes > MAX_DESCRIPTOR_BYTES) {
    throw new UnacceptableError(
      'out-of-reach',
      `the descriptor of the VMDK is longer than ${MAX_DESCRIPTOR_BYTES / 1024} KiB`,
      HINT_WHOLE,
    );
  }
  part(head, DESCRIPTOR_OFFSET, Number(lengthBytes), 'VMDK descriptor');
  const readBytes = Math.max(Number(lengthBytes), LEAST_READ_BYTES);
  const read = head.subarray(DESCRIPTOR_OFFSET, DESCRIPTOR_OFFSET + readBytes);
  const end = read.indexOf(0);
  return read.toString('latin1', 0, end === -1 ? read.length : end);
}

/** The footer takes the header's place for who has the whole file: it must not say anything else. */
function checkFooter(header: Buffer, { tail, sizeBytes }: FileEnd, virtualSizeBytes: bigint): EndFinding {
  if (sizeBytes % SECTOR_BYTES !== 0 || tail.length < 3 * SECTOR_BYTES) {
    throw new UnacceptableError(
      'truncated',
      'the file ends before the end of its VMDK footer',
      HINT_COPY_AGAIN,
    );
  }
  const [marker, footer, endMarker] = [0, 1, 2].map((sector) =>
    tail.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES),
  ) as [Buffer, Buffer, Buffer];
  if (!hasAt(marker, 8, FOOTER_MARKER) || !hasAt(endMarker, 0, END_OF_STREAM_MARKER)) {
    throw new UnacceptableError(
      'vmdk-footer',
      'the VMDK has no footer at its end, though its header announces one',
      HINT_COPY_AGAIN,
    );
  }
  const differs = SAME_IN_FOOTER.some(
    ({ from, to }) => !header.subarray(from, to).equals(footer.subarray(from, to)),
  );
  if (differs || footer.readBigUInt64LE(DIRECTORY_OFFSET) === DIRECTORY_AT_END) {
    throw new UnacceptableError('vmdk-footer', 'the footer of the VMDK contradicts its header', HINT_WHOLE);
  }
  return { virtualSizeBytes };
}
