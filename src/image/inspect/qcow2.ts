import {
  badHeader,
  type Finding,
  HEAD_BYTES,
  hasAt,
  type Probe,
  type ProbeLimits,
  part,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';

/** Of qcow, its first version, and qcow2, which are versions 2 and 3 of it. */
const MAGIC = Buffer.from('QFI\xfb', 'latin1');

const V2_HEADER_BYTES = 72;
/** Up to and with `header_length`. */
const V3_HEADER_BYTES = 104;

const CLUSTER_BITS = { min: 9, max: 21 };

/** `incompatible_features` (docs/interop/qcow2 of QEMU). */
const CORRUPT = 1n << 1n;
const DATA_FILE = 1n << 2n;
const COMPRESSION_TYPE = 1n << 3n;
/** dirty, corrupt, external data file, compression type, extended L2 entries */
const KNOWN_FEATURES = 0b11111n;

const NO_ENCRYPTION = 0;
const LUKS_ENCRYPTION = 2;

/** zlib and zstd */
const HIGHEST_COMPRESSION_TYPE = 1;

/** Magic numbers of header extensions. */
const END_OF_EXTENSIONS = 0;
const BACKING_FORMAT = 0xe2792aca;
const DATA_FILE_NAME = 0x44415441;

const HINT_FLATTEN = 'make it whole in one file first: `qemu-img convert -O qcow2 IMAGE WHOLE.qcow2`';

/** The first version of the format, of 2004: nobody makes it any more. */
export const qcow: Probe = {
  format: 'qcow',
  matches: (head) => hasAt(head, 0, MAGIC) && head.length >= 8 && head.readUInt32BE(4) === 1,
  read() {
    throw new UnacceptableError(
      'unsupported-format',
      'it is a qcow image of version 1',
      'convert it first: `qemu-img convert -f qcow -O qcow2 IMAGE NEW.qcow2`',
    );
  },
};

export const qcow2: Probe = {
  format: 'qcow2',
  matches: (head) => hasAt(head, 0, MAGIC) && !qcow.matches(head),
  read(head, limits) {
    const header = part(head, 0, V2_HEADER_BYTES, 'qcow2 header');
    const version = header.readUInt32BE(4);
    if (version !== 2 && version !== 3) throw unknownVersion('qcow2 version', version);
    refuseBackingFile(header);
    const clusterBits = header.readUInt32BE(20);
    if (clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max) {
      throw badHeader(`its clusters are of 2^${clusterBits} bytes: 2^9 to 2^21 are possible`);
    }
    checkEncryption(header.readUInt32BE(32), limits);
    const clusterBytes = 2 ** clusterBits;
    const headerBytes = version === 2 ? V2_HEADER_BYTES : checkVersion3(head, clusterBytes);
    checkExtensions(head, headerBytes, clusterBytes);
    return found(header.readBigUInt64BE(24), version === 2 ? '0.10' : '1.1');
  },
};

function found(virtualSizeBytes: bigint, compat: string): Finding {
  return { virtualSizeBytes, variant: compat, properties: { compat } };
}

function refuseBackingFile(header: Buffer): void {
  if (header.readBigUInt64BE(8) === 0n && header.readUInt32BE(16) === 0) return;
  throw new UnacceptableError('backing-file', 'the qcow2 image has a backing file', HINT_FLATTEN);
}

/** AES, the older way, is refused whatever is allowed: it is broken, and QEMU starts no guest from it. */
function checkEncryption(method: number, { allowLuks }: ProbeLimits): void {
  if (method === NO_ENCRYPTION || (method === LUKS_ENCRYPTION && allowLuks)) return;
  if (method > LUKS_ENCRYPTION) throw badHeader(`it is encrypted by a method ${method}, which is not known`);
  const name = method === LUKS_ENCRYPTION ? 'LUKS' : 'AES';
  throw new UnacceptableError(
    'encrypted',
    `the qcow2 image is encrypted (${name})`,
    'decrypt it first, with `qemu-img convert` and its key',
  );
}

/** The length of the header in bytes. */
function checkVersion3(head: Buffer, clusterBytes: number): number {
  const header = part(head, 0, V3_HEADER_BYTES, 'qcow2 header');
  const features = header.readBigUInt64BE(72);
  if ((features & ~KNOWN_FEATURES) !== 0n) {
    throw new UnacceptableError(
      'unknown-features',
      `the qcow2 image needs features that are not known (incompatible features 0x${features.toString(16)})`,
      'convert it with the tool that made it, without these features',
    );
  }
  if ((features & DATA_FILE) !== 0n) throw dataFile();
  if ((features & CORRUPT) !== 0n) {
    throw new UnacceptableError(
      'corrupt',
      'the qcow2 image is marked as corrupt',
      'repair it first: `qemu-img check -r all IMAGE`',
    );
  }
  const headerBytes = header.readUInt32BE(100);
  if (headerBytes < V3_HEADER_BYTES || headerBytes % 8 !== 0 || headerBytes > clusterBytes) {
    throw badHeader(`its header says that it is ${headerBytes} bytes long`);
  }
  checkCompressionType(head, headerBytes, features);
  return headerBytes;
}

function checkCompressionType(head: Buffer, headerBytes: number, features: bigint): void {
  const type = headerBytes > V3_HEADER_BYTES ? part(head, V3_HEADER_BYTES, 1, 'qcow2 header').readUInt8() : 0;
  if (type > HIGHEST_COMPRESSION_TYPE) {
    throw new UnacceptableError(
      'unknown-features',
      `its clusters are compressed in a way (${type}) that is not known`,
      'convert it with the tool that made it, with zlib or zstd',
    );
  }
  if (type !== 0 && (features & COMPRESSION_TYPE) === 0n) {
    throw badHeader('it names a compression that its features do not mention');
  }
}

/** Up to the end of the first cluster: the name of a backing file, which would end them, is refused already. */
function checkExtensions(head: Buffer, from: number, clusterBytes: number): void {
  for (let offset = from; offset + 8 <= clusterBytes; ) {
    requireReach(offset + 8);
    const extension = part(head, offset, 8, 'qcow2 header extensions');
    const magic = extension.readUInt32BE(0);
    if (magic === END_OF_EXTENSIONS) return;
    if (magic === DATA_FILE_NAME) throw dataFile();
    if (magic === BACKING_FORMAT) {
      throw new UnacceptableError(
        'backing-file',
        'the qcow2 image names the format of a backing file',
        HINT_FLATTEN,
      );
    }
    const end = offset + 8 + extension.readUInt32BE(4);
    if (end > clusterBytes) throw badHeader('one of its header extensions is longer than its first cluster');
    requireReach(end);
    part(head, offset, end - offset, 'qcow2 header extensions');
    offset = Math.ceil(end / 8) * 8;
  }
}

function requireReach(end: number): void {
  if (end <= HEAD_BYTES) return;
  throw new UnacceptableError(
    'out-of-reach',
    `its header extensions go beyond the first ${HEAD_BYTES / 1024} KiB`,
    'make it anew: `qemu-img convert -O qcow2 IMAGE NEW.qcow2`',
  );
}

function dataFile(): UnacceptableError {
  return new UnacceptableError('data-file', 'the qcow2 image keeps its data in another file', HINT_FLATTEN);
}
