import {
  badHeader,
  differencing,
  type FileEnd,
  type Finding,
  HEAD_BYTES,
  HINT_COPY_AGAIN,
  hasAt,
  type Probe,
  part,
  UnacceptableError,
  unknownVersion,
} from './probe.ts';

const COOKIE = Buffer.from('conectix');
export const FOOTER_BYTES = 512;
const FOOTER_CHECKSUM_OFFSET = 64;
const VERSION = 0x0001_0000;

const DYNAMIC_COOKIE = Buffer.from('cxsparse');
const DYNAMIC_HEADER_BYTES = 1024;
const DYNAMIC_CHECKSUM_OFFSET = 36;

/** `Disk Type` */
const FIXED = 2;
const DYNAMIC = 3;
const DIFFERENCING = 4;

/**
 * A dynamic VHD, which begins with a copy of its footer (Microsoft's Virtual Hard Disk Image Format
 * Specification, 1.0). What it says of its size is what it was made for; qemu goes by the geometry beside it,
 * which may be smaller, unless it is told `force_size_calc=current_size`.
 */
export const vhd: Probe = {
  format: 'vhd',
  matches: (head) => hasAt(head, 0, COOKIE),
  read(head) {
    const footer = checkedFooter(part(head, 0, FOOTER_BYTES, 'VHD footer'));
    if (footer.type === FIXED) throw badHeader('it begins as a dynamic VHD, but says that it is fixed');
    checkDynamicHeader(head, footer);
    return { virtualSizeBytes: footer.currentSizeBytes, variant: 'dynamic' };
  },
};

/** Whether the file ends as a VHD, of any type. */
export function endsAsVhd({ tail }: FileEnd): boolean {
  return tail.length >= FOOTER_BYTES && hasAt(tail, tail.length - FOOTER_BYTES, COOKIE);
}

/** A fixed VHD: the disk's bytes, and the footer behind them, which nothing at the beginning announces. */
export function readFixedVhd({ tail, sizeBytes }: FileEnd): Finding {
  const { type, currentSizeBytes } = checkedFooter(tail.subarray(-FOOTER_BYTES));
  if (type !== FIXED) throw badHeader('it ends as a dynamic VHD, but does not begin as one');
  if (currentSizeBytes > BigInt(sizeBytes - FOOTER_BYTES)) {
    const missing = currentSizeBytes - BigInt(sizeBytes - FOOTER_BYTES);
    throw new UnacceptableError('truncated', `the VHD disk lacks ${missing} bytes of data`, HINT_COPY_AGAIN);
  }
  return { virtualSizeBytes: currentSizeBytes, variant: 'fixed' };
}

interface Footer {
  readonly dataOffset: bigint;
  readonly currentSizeBytes: bigint;
  readonly type: number;
}

function checkedFooter(footer: Buffer): Footer {
  requireChecksum(footer, FOOTER_CHECKSUM_OFFSET, 'footer');
  const version = footer.readUInt32BE(12);
  if (version !== VERSION) throw unknownVersion('VHD version', `0x${version.toString(16)}`);
  const type = footer.readUInt32BE(60);
  if (type === DIFFERENCING) throw differencing('VHD');
  if (type !== FIXED && type !== DYNAMIC) throw badHeader(`it is a VHD of type ${type}, which is not known`);
  return { dataOffset: footer.readBigUInt64BE(16), currentSizeBytes: footer.readBigUInt64BE(48), type };
}

function checkDynamicHeader(head: Buffer, { dataOffset, currentSizeBytes }: Footer): void {
  if (dataOffset < FOOTER_BYTES) throw badHeader("the VHD's header lies within its footer");
  if (dataOffset > HEAD_BYTES - DYNAMIC_HEADER_BYTES) {
    throw new UnacceptableError(
      'out-of-reach',
      `the VHD's header lies at byte ${dataOffset}, beyond the first ${HEAD_BYTES / 1024} KiB`,
      'make it anew: `qemu-img convert -O vpc IMAGE NEW.vhd`',
    );
  }
  const header = part(head, Number(dataOffset), DYNAMIC_HEADER_BYTES, 'VHD header');
  if (!hasAt(header, 0, DYNAMIC_COOKIE)) throw badHeader("the VHD's header is not where its footer says");
  requireChecksum(header, DYNAMIC_CHECKSUM_OFFSET, 'header');
  const blocksBytes = BigInt(header.readUInt32BE(28)) * BigInt(header.readUInt32BE(32));
  if (currentSizeBytes > blocksBytes) throw badHeader('the VHD disk is larger than all of its blocks');
}

/** The complement of the sum of all bytes but the checksum's own. */
function requireChecksum(bytes: Buffer, offset: number, what: string): void {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) {
    if (index < offset || index >= offset + 4) sum += byte;
  }
  if (~sum >>> 0 === bytes.readUInt32BE(offset)) return;
  throw new UnacceptableError('bad-checksum', `the checksum of the VHD's ${what} is wrong`, HINT_COPY_AGAIN);
}
