/**
 * The words of the NBD protocol that an export of ours speaks: fixed newstyle handshake, simple replies.
 * As doc/proto.md of the reference implementation (github.com/NetworkBlockDevice/nbd) has them; all numbers
 * are big-endian.
 */

export const MAGIC = 0x4e42_444d_4147_4943n;
export const OPTION_MAGIC = 0x4948_4156_454f_5054n;
const OPTION_REPLY_MAGIC = 0x0003_e889_0455_65a9n;
export const REQUEST_MAGIC = 0x2560_9513;
const REPLY_MAGIC = 0x6744_6698;

/** Of the handshake; those of the client, which answers in kind, have the same numbers. */
export const FIXED_NEWSTYLE = 1;
export const NO_ZEROES = 2;

/** HAS_FLAGS, SEND_FLUSH, SEND_TRIM, SEND_WRITE_ZEROES. Neither read-only nor for several connections. */
const TRANSMISSION_FLAGS = (1 << 0) | (1 << 2) | (1 << 5) | (1 << 6);

export const Option = { EXPORT_NAME: 1, ABORT: 2, LIST: 3, INFO: 6, GO: 7 } as const;

export const OptionReply = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  ERR_UNSUP: 0x8000_0001,
  ERR_INVALID: 0x8000_0003,
  ERR_UNKNOWN: 0x8000_0006,
} as const;

const INFO_EXPORT = 0;
const INFO_BLOCK_SIZE = 3;

export const Command = { READ: 0, WRITE: 1, DISC: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 6 } as const;

/** NO_HOLE, which a sink that has no holes punched may ignore. FUA and the like are not offered. */
export const KNOWN_COMMAND_FLAGS = 1 << 1;

export const Errno = { NONE: 0, EIO: 5, EINVAL: 22, ENOSPC: 28 } as const;

/** The most bytes of one write or read, as the client is told. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

export const GREETING_BYTES = 18;
export const REQUEST_BYTES = 28;
export const OPTION_HEADER_BYTES = 16;

/** What follows the answer to EXPORT_NAME, unless both sides know better. */
const PADDING_BYTES = 124;

export interface Request {
  readonly flags: number;
  readonly command: number;
  /** The client's, told back in the reply. */
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}

export function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes.writeBigUInt64BE(MAGIC, 0);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 8);
  bytes.writeUInt16BE(FIXED_NEWSTYLE | NO_ZEROES, 16);
  return bytes;
}

export function optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

/** The answer to EXPORT_NAME. */
export function exportAnswer(sizeBytes: number, withPadding: boolean): Buffer {
  const bytes = Buffer.alloc(10 + (withPadding ? PADDING_BYTES : 0));
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 0);
  bytes.writeUInt16BE(TRANSMISSION_FLAGS, 8);
  return bytes;
}

export function exportInfo(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(INFO_EXPORT, 0);
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 2);
  bytes.writeUInt16BE(TRANSMISSION_FLAGS, 10);
  return bytes;
}

/** Any byte may be written by itself; the largest request is also the best. */
export function blockSizeInfo(): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt16BE(INFO_BLOCK_SIZE, 0);
  bytes.writeUInt32BE(1, 2);
  bytes.writeUInt32BE(MAX_PAYLOAD_BYTES, 6);
  bytes.writeUInt32BE(MAX_PAYLOAD_BYTES, 10);
  return bytes;
}

/** Undefined where the bytes are no request. */
export function parseRequest(bytes: Buffer): Request | undefined {
  if (bytes.readUInt32BE(0) !== REQUEST_MAGIC) return undefined;
  return {
    flags: bytes.readUInt16BE(4),
    command: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offset: bytes.readBigUInt64BE(16),
    length: bytes.readUInt32BE(24),
  };
}

export function reply(cookie: bigint, errno: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(REPLY_MAGIC, 0);
  bytes.writeUInt32BE(errno, 4);
  bytes.writeBigUInt64BE(cookie, 8);
  return bytes;
}
