import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  DISK_BYTES,
  type Edit,
  isoFile,
  KIB,
  luksFile,
  MIB,
  noise,
  putExtension,
  QCOW2_HEADER_BYTES,
  qcow2File,
  VMDK_DESCRIPTOR,
  vhdxFile,
  vmdkFile,
} from '../unit/image/inspect/files.ts';

/** What the agents of these tests are told to allow: more than what may be unpacked whatever it was made of. */
export const MAX_VIRTUAL_SIZE_BYTES = 128 * MIB;

export interface HostileFile {
  readonly name: string;
  /** What the record says that it is. */
  readonly declared: string;
  readonly bytes: Buffer;
  /** Why it is refused. */
  readonly says: RegExp;
}

/** Each must be refused. `folder`: for what qemu-img makes of them. */
export function hostileFiles(folder: string): HostileFile[] {
  const real = realQcow2(folder, 'real', noise(DISK_BYTES));
  const file = (name: string, declared: string, bytes: Buffer, says: RegExp) => {
    return { name, declared, bytes, says };
  };
  const qcow2 = (name: string, says: RegExp, edit: Edit) => file(name, 'qcow2', qcow2File({ edit }), says);
  const vmdk = (name: string, says: RegExp, from: string, to: string) =>
    file(name, 'vmdk', vmdkFile({ descriptor: VMDK_DESCRIPTOR.replace(from, to) }), says);
  return [
    qcow2('qcow2 with a backing file', /backing file/, (bytes) => {
      bytes.writeBigUInt64BE(512n, 8);
      bytes.writeUInt32BE(bytes.write('/etc/shadow', 512), 16);
    }),
    qcow2('qcow2 with its data in another file', /keeps its data in another file/, (bytes) => {
      bytes.writeBigUInt64BE(4n, 72);
      putExtension(bytes, QCOW2_HEADER_BYTES, 0x44415441, '/dev/sda');
    }),
    qcow2('qcow2 with features nobody knows', /features/, (bytes) => bytes.writeBigUInt64BE(1n << 40n, 72)),
    qcow2('qcow2 of 1 EiB', /1152921504606846976/, (bytes) => bytes.writeBigUInt64BE(1n << 60n, 24)),
    qcow2('qcow2 of more than is allowed', /larger than the 134217728 bytes allowed/, (bytes) => {
      bytes.writeBigUInt64BE(BigInt(MAX_VIRTUAL_SIZE_BYTES + MIB), 24);
    }),
    qcow2('qcow2 that is all header', /qemu-img could not read it/, () => {}),
    file('qcow2 that ends within its header', 'qcow2', qcow2File().subarray(0, 70), /ends before/),
    file(
      'qcow2 cut in the middle',
      'qcow2',
      real.subarray(0, real.length / 2),
      /exceeding the end of the file/,
    ),
    file('qcow2 whose tables are garbage', 'qcow2', garbled(real), /qemu-img finds it damaged/),
    file(
      'qcow2 with a disk in it that looks like qcow2',
      'qcow2',
      realQcow2(folder, 'nested', Buffer.concat([real, Buffer.alloc(MIB)])),
      /the disk in the file is not raw: looks like qcow2 itself/,
    ),
    file('qcow2 declared as raw', 'raw', real, /qcow2/),
    file('vmdk declared as qcow2', 'qcow2', vmdkFile(), /vmdk/),
    file('raw that looks like qcow2', 'raw', Buffer.concat([qcow2File(), noise(MIB)]), /qcow2/),
    file('raw declared as qcow2', 'qcow2', noise(MIB), /raw/),
    vmdk('vmdk whose extent names a path', /extent/, '"disk.vmdk"', '"/etc/shadow"'),
    vmdk('vmdk with its data in another file', /monolithicFlat/, 'streamOptimized', 'monolithicFlat'),
    file('vmdk that ends within its descriptor', 'vmdk', vmdkFile().subarray(0, 2 * KIB), /ends before/),
    file('vhdx that ends within its tables', 'vhdx', vhdxFile().subarray(0, 200 * KIB), /ends before/),
    file('iso that is qcow2 as well', 'iso', twoFormats(), /two formats at once: qcow2 and iso/),
    file('LUKS', 'raw', luksFile(1), /LUKS/i),
    file('gzip bomb', 'raw', repeated(40, gzipSync(zeros())), /more than 1000 times its size/),
    file('zstd bomb', 'raw', repeated(40, zstdCompressSync(zeros())), /more than 1000 times its size/),
    // What xz has been given and not yet read counts as read, so that the other limit may come first.
    file('xz bomb', 'raw', repeated(40, xz(zeros())), /it unpacks to more than/),
    file(
      'gzip bomb that grows slowly',
      'raw',
      repeated(100, gzipSync(speckled())),
      new RegExp(`more than the ${MAX_VIRTUAL_SIZE_BYTES} bytes allowed`),
    ),
    file('gzip in gzip', 'raw', gzipSync(gzipSync(noise(MIB))), /another compressed file/),
    file('qcow2 of 1 EiB in gzip', 'qcow2', gzipSync(qcow2OfAnEib()), /1152921504606846976/),
    file('gzip that is cut', 'raw', gzipSync(noise(MIB)).subarray(0, 10 * KIB), /gzip/),
    file('a zip', 'raw', Buffer.concat([Buffer.from('PK\x03\x04'), noise(MIB)]), /zip/),
  ];
}

/** With data of `disk` in it. */
export function realQcow2(folder: string, name: string, disk: Buffer): Buffer {
  const [raw, made] = [join(folder, `${name}.raw`), join(folder, `${name}.qcow2`)];
  writeFileSync(raw, disk);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, made]);
  return readFileSync(made);
}

/** Sound up to its header. */
function garbled(qcow2: Buffer): Buffer {
  const bytes = Buffer.from(qcow2);
  const firstTable = Number(bytes.readBigUInt64BE(40));
  noise(4 * KIB).copy(bytes, firstTable);
  return bytes;
}

function twoFormats(): Buffer {
  return isoFile((bytes) => void qcow2File().copy(bytes, 0, 0, 32 * KIB));
}

function qcow2OfAnEib(): Buffer {
  return qcow2File({ edit: (bytes) => bytes.writeBigUInt64BE(1n << 60n, 24) });
}

/** 256 MiB, so that 40 of them are 10 GiB. */
function zeros(): Buffer {
  return Buffer.alloc(256 * MIB);
}

/** Packs some hundred times, which a disk may. */
function speckled(): Buffer {
  const bytes = Buffer.alloc(8 * MIB);
  for (let at = 0; at < bytes.length; at += 64 * KIB) noise(100).copy(bytes, at);
  return bytes;
}

function repeated(times: number, packed: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => packed));
}

function xz(bytes: Buffer): Buffer {
  return execFileSync('xz', ['-0', '--stdout'], { input: bytes, maxBuffer: 64 * MIB });
}
