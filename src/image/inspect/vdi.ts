import {
  badHeader,
  differencing,
  HINT_COPY_AGAIN,
  hasAt,
  type Probe,
  part,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';

/** 0xbeda107f, little-endian, behind 64 bytes of text that names the program. */
const SIGNATURE = { offset: 0x40, bytes: Buffer.from([0x7f, 0x10, 0xda, 0xbe]) };

/** Up to and with the UUIDs of the disk and its parents. */
const HEADER_BYTES = 0x1c8;

/** 1.1, of VirtualBox since 2007. */
const VERSION = 0x0001_0001;

const IMAGE_TYPES: Readonly<Record<number, string>> = { 1: 'dynamic', 2: 'static' };
/** Hold what changed since a parent; in memory first, and on disk. */
const UNDO = 3;
const DIFFERENCING = 4;

/** Of the disk's parent by content, and by snapshot: zeros where it has none. */
const PARENT_UUIDS = { offset: 0x1a8, lengthBytes: 32 };

/** VirtualBox's disk (the header: `block/vdi.c` of QEMU, and VirtualBox's VDICore.h). */
export const vdi: Probe = {
  format: 'vdi',
  matches: (head) => hasAt(head, SIGNATURE.offset, SIGNATURE.bytes),
  read(head) {
    const header = part(head, 0, HEADER_BYTES, 'VDI header');
    const version = header.readUInt32LE(0x44);
    if (version !== VERSION) throw unknownVersion('VDI version', `0x${version.toString(16)}`);
    const type = header.readUInt32LE(0x4c);
    if (type === UNDO || type === DIFFERENCING) throw differencing('VDI');
    const variant = IMAGE_TYPES[type];
    if (variant === undefined) throw badHeader(`it is a VDI image of type ${type}, which is not known`);
    const { offset, lengthBytes } = PARENT_UUIDS;
    if (header.subarray(offset, offset + lengthBytes).some((byte) => byte !== 0)) throw differencing('VDI');
    const virtualSizeBytes = header.readBigUInt64LE(0x170);
    const blocksBytes = BigInt(header.readUInt32LE(0x178)) * BigInt(header.readUInt32LE(0x180));
    if (virtualSizeBytes > blocksBytes) throw badHeader('the VDI disk is larger than all of its blocks');
    const dataOffset = BigInt(header.readUInt32LE(0x158));
    const endBytes = dataOffset + BigInt(header.readUInt32LE(0x178)) * BigInt(header.readUInt32LE(0x184));
    return {
      virtualSizeBytes,
      variant,
      // Its blocks lie one after the other, and qemu reads what is missing of them as zeros.
      atEnd: ({ sizeBytes }) => {
        if (endBytes <= sizeBytes) return { virtualSizeBytes };
        const missing = endBytes - BigInt(sizeBytes);
        throw new UnacceptableError(
          'truncated',
          `the VDI disk lacks ${missing} bytes of data`,
          HINT_COPY_AGAIN,
        );
      },
    };
  },
};
