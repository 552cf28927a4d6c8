/** Small files of every format, made by hand: each sound unless `edit` makes it hostile. */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** The virtual size of all disks here that have a header to say it in. */
export const DISK_BYTES = 8 * MIB;

export type Edit = (bytes: Buffer) => void;

const unchanged: Edit = () => {};

function edited(bytes: Buffer, edit: Edit): Buffer {
  edit(bytes);
  return bytes;
}

/** Random-looking, the same each time, and of no format. */
export function noise(lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = 1;
  for (let index = 0; index < lengthBytes; index++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

/** Version 2 or 3; the first cluster, of 64 KiB, and no more. */
export function qcow2File({ version = 3, edit = unchanged }: { version?: 2 | 3; edit?: Edit } = {}): Buffer {
  const bytes = Buffer.alloc(64 * KIB);
  bytes.write('QFI\xfb', 'latin1');
  bytes.writeUInt32BE(version, 4);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(BigInt(DISK_BYTES), 24);
  if (version === 3) {
    bytes.writeUInt32BE(4, 96);
    bytes.writeUInt32BE(QCOW2_HEADER_BYTES, 100);
  }
  return edited(bytes, edit);
}

/** Where the extensions of qcow2File begin. */
export const QCOW2_HEADER_BYTES = 112;

/** Writes a header extension and the end of them; gives the offset behind its data. */
export function putExtension(bytes: Buffer, offset: number, magic: number, data: string): number {
  bytes.writeUInt32BE(magic, offset);
  bytes.writeUInt32BE(data.length, offset + 4);
  bytes.write(data, offset + 8, 'latin1');
  return Math.ceil((offset + 8 + data.length) / 8) * 8;
}

export const VMDK_DESCRIPTOR = `# Disk DescriptorFile
version=1
CID=24e311f5
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW 16384 SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.adapterType = "lsilogic"
`;

export interface VmdkParts {
  readonly descriptor?: string;
  readonly descriptorSectors?: number;
  /** With the directory of grains in a footer, as writers of streams have it. */
  readonly footer?: boolean;
  readonly edit?: Edit;
}

export function vmdkFile({
  descriptor = VMDK_DESCRIPTOR,
  descriptorSectors = 20,
  footer = false,
  edit = unchanged,
}: VmdkParts = {}): Buffer {
  const header = Buffer.alloc(512);
  header.write('KDMV');
  header.writeUInt32LE(3, 4);
  header.writeUInt32LE(0x30001, 8);
  header.writeBigUInt64LE(BigInt(DISK_BYTES / 512), 12);
  header.writeBigUInt64LE(128n, 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  header.writeUInt32LE(512, 44);
  header.writeBigUInt64LE(footer ? 2n ** 64n - 1n : 26n, 56);
  header.writeUInt16LE(1, 77);
  const text = Buffer.alloc(descriptorSectors * 512);
  text.write(descriptor, 'latin1');
  const grains = noise(64 * KIB);
  const parts = [header, text, grains];
  if (footer) {
    const marker = Buffer.alloc(512);
    marker.writeBigUInt64LE(1n);
    marker.writeUInt32LE(3, 12);
    const copy = Buffer.from(header);
    copy.writeBigUInt64LE(140n, 56);
    parts.push(marker, copy, Buffer.alloc(512));
  }
  return edited(Buffer.concat(parts), edit);
}

/** The sum that a VHD's footer, or header, must have at `offset`. */
export function putVhdChecksum(bytes: Buffer, offset: number): void {
  bytes.writeUInt32BE(0, offset);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.writeUInt32BE(~sum >>> 0, offset);
}

export function vhdFooter(type: number, edit: Edit = unchanged): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix');
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x10000, 12);
  footer.writeBigUInt64BE(type === 2 ? 2n ** 64n - 1n : 512n, 16);
  footer.writeBigUInt64BE(BigInt(DISK_BYTES), 40);
  footer.writeBigUInt64BE(BigInt(DISK_BYTES), 48);
  footer.writeUInt32BE(type, 60);
  edit(footer);
  putVhdChecksum(footer, 64);
  return footer;
}

export interface VhdParts {
  /** Of the footer, before its checksum is made. */
  readonly footer?: Edit;
  /** Of the header of a dynamic one, likewise. */
  readonly header?: Edit;
  readonly type?: number;
}

export function dynamicVhd({ footer: footerEdit, header: headerEdit, type = 3 }: VhdParts = {}): Buffer {
  const footer = vhdFooter(type, footerEdit);
  const header = Buffer.alloc(1024);
  header.write('cxsparse');
  header.writeBigUInt64BE(2n ** 64n - 1n, 8);
  header.writeBigUInt64BE(1536n, 16);
  header.writeUInt32BE(0x10000, 24);
  header.writeUInt32BE(4, 28);
  header.writeUInt32BE(2 * MIB, 32);
  headerEdit?.(header);
  putVhdChecksum(header, 36);
  return Buffer.concat([footer, header, Buffer.alloc(512, 0xff), footer]);
}

export function fixedVhd({ footer: footerEdit, type = 2 }: VhdParts = {}): Buffer {
  return Buffer.concat([Buffer.alloc(DISK_BYTES), vhdFooter(type, footerEdit)]);
}

export const VHDX_METADATA = '06a27c8b90479a4bb8fe575f050f886e';
export const VHDX_PARAMETERS = '3767a1ca36fa434db3b633f0aa44e76b';
export const VHDX_SIZE = '2442a52f1bcd7648b2115dbed83bf4b8';
export const VHDX_PARENT = '2d5fd3a80bb34d45abf7d3d84834ab0c';
const VHDX_BLOCK_TABLE = '6677c22d23f600429d64115e9bfd4a08';

/** Offsets in vhdxFile. */
export const VHDX = {
  firstHeader: 64 * KIB,
  secondHeader: 128 * KIB,
  regions: 192 * KIB,
  metadata: MIB,
  items: MIB + 64 * KIB,
};

export function putRegion(bytes: Buffer, index: number, guid: string, offset: number, required = true): void {
  const entry = VHDX.regions + 16 + index * 32;
  bytes.write(guid, entry, 'hex');
  bytes.writeBigUInt64LE(BigInt(offset), entry + 16);
  bytes.writeUInt32LE(MIB, entry + 24);
  bytes.writeUInt32LE(required ? 1 : 0, entry + 28);
  bytes.writeUInt32LE(Math.max(bytes.readUInt32LE(VHDX.regions + 8), index + 1), VHDX.regions + 8);
}

export function putItem(bytes: Buffer, index: number, guid: string, offset: number, lengthBytes = 8): void {
  const entry = VHDX.metadata + 32 + index * 32;
  bytes.write(guid, entry, 'hex');
  bytes.writeUInt32LE(offset, entry + 16);
  bytes.writeUInt32LE(lengthBytes, entry + 20);
  bytes.writeUInt32LE(4, entry + 24);
  bytes.writeUInt16LE(Math.max(bytes.readUInt16LE(VHDX.metadata + 10), index + 1), VHDX.metadata + 10);
}

/** Up to the end of its items of metadata. */
export function vhdxFile(edit: Edit = unchanged): Buffer {
  const bytes = Buffer.alloc(MIB + 128 * KIB);
  bytes.write('vhdxfile');
  for (const [index, offset] of [VHDX.firstHeader, VHDX.secondHeader].entries()) {
    bytes.write('head', offset);
    bytes.writeBigUInt64LE(BigInt(index + 7), offset + 8);
    bytes.writeUInt16LE(1, offset + 66);
  }
  bytes.write('regi', VHDX.regions);
  putRegion(bytes, 0, VHDX_BLOCK_TABLE, 2 * MIB);
  putRegion(bytes, 1, VHDX_METADATA, VHDX.metadata);
  bytes.write('metadata', VHDX.metadata);
  putItem(bytes, 0, VHDX_PARAMETERS, 64 * KIB);
  putItem(bytes, 1, VHDX_SIZE, 64 * KIB + 8);
  bytes.writeUInt32LE(MIB, VHDX.items);
  bytes.writeBigUInt64LE(BigInt(DISK_BYTES), VHDX.items + 8);
  return edited(bytes, edit);
}

export function vdiFile(edit: Edit = unchanged): Buffer {
  const bytes = Buffer.alloc(4 * KIB);
  bytes.write('<<< Oracle VM VirtualBox Disk Image >>>\n');
  bytes.writeUInt32LE(0xbeda107f, 0x40);
  bytes.writeUInt32LE(0x10001, 0x44);
  bytes.writeUInt32LE(1, 0x4c);
  bytes.writeBigUInt64LE(BigInt(DISK_BYTES), 0x170);
  bytes.writeUInt32LE(MIB, 0x178);
  bytes.writeUInt32LE(DISK_BYTES / MIB, 0x180);
  return edited(bytes, edit);
}

export function ploopFile(magic = 'WithouFreSpacExt', edit: Edit = unchanged): Buffer {
  const bytes = Buffer.alloc(4 * KIB);
  bytes.write(magic);
  bytes.writeUInt32LE(2, 16);
  bytes.writeUInt32LE(2048, 28);
  bytes.writeUInt32LE(DISK_BYTES / MIB, 32);
  bytes.writeUInt32LE(DISK_BYTES / 512, 36);
  return edited(bytes, edit);
}

export function luksFile(version: number, payloadSectors = 8): Buffer {
  const bytes = Buffer.alloc(8 * KIB);
  bytes.write('LUKS\xba\xbe', 'latin1');
  bytes.writeUInt16BE(version, 6);
  bytes.writeUInt32BE(payloadSectors, 104);
  return bytes;
}

export function isoFile(edit: Edit = unchanged): Buffer {
  const bytes = Buffer.alloc(40 * KIB);
  bytes.write('\x01CD001\x01', 32 * KIB, 'latin1');
  bytes.write('\xffCD001\x01', 34 * KIB, 'latin1');
  return edited(bytes, edit);
}

/** Entry `index` of a partition table, and the signature behind the table. */
export function putPartition(bytes: Buffer, type: number, { index = 0, flag = 0 } = {}): void {
  bytes.writeUInt8(flag, 446 + index * 16);
  bytes.writeUInt8(type, 446 + index * 16 + 4);
  bytes.writeUInt16BE(0x55aa, 510);
}

export function putGpt(bytes: Buffer): void {
  putPartition(bytes, 0xee);
  bytes.write('EFI PART', 512);
}
