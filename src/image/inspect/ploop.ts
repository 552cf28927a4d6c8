import { badHeader, hasAt, type Probe, part, unknownVersion } from './probe.ts';

/** The older one counts sectors in 32 bits, and may have anything in the upper half. */
const MAGIC = Buffer.from('WithoutFreeSpace');
const MAGIC_EXTENDED = Buffer.from('WithouFreSpacExt');

const HEADER_BYTES = 64;
const VERSION = 2;
const SECTOR_BYTES = 512n;

/** Virtuozzo's disk, which qemu-img calls parallels (docs/interop/parallels of QEMU). */
export const ploop: Probe = {
  format: 'ploop',
  matches: (head) => hasAt(head, 0, MAGIC) || hasAt(head, 0, MAGIC_EXTENDED),
  read(head) {
    const header = part(head, 0, HEADER_BYTES, 'ploop header');
    const version = header.readUInt32LE(16);
    if (version !== VERSION) throw unknownVersion('ploop version', version);
    const clusterSectors = header.readUInt32LE(28);
    if (clusterSectors === 0) throw badHeader('the clusters of the ploop disk have no size');
    const extended = hasAt(header, 0, MAGIC_EXTENDED);
    const sectors = extended ? header.readBigUInt64LE(36) : BigInt(header.readUInt32LE(36));
    if (sectors > BigInt(clusterSectors) * BigInt(header.readUInt32LE(32))) {
      throw badHeader('the ploop disk is larger than all of its clusters');
    }
    return { virtualSizeBytes: sectors * SECTOR_BYTES };
  },
};
