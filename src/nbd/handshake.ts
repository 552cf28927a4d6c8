import { Refusal } from '../domain/refusal.ts';
import type { Connection } from './connection.ts';
import {
  blockSizeInfo,
  exportAnswer,
  exportInfo,
  FIXED_NEWSTYLE,
  greeting,
  NO_ZEROES,
  OPTION_HEADER_BYTES,
  OPTION_MAGIC,
  Option,
  OptionReply,
  optionReply,
} from './protocol.ts';

/** Longer than a name may be (4096 bytes) and all else that an option brings. */
const MAX_OPTION_BYTES = 8192;

/** A client that is still asking after so many options wants something else than data. */
const MAX_OPTIONS = 64;

/**
 * Agrees with a client on the one export there is, whose name is empty. True when it goes on to send
 * requests, false when it left. INVALID for a client that does not speak the protocol.
 */
export async function shakeHands(connection: Connection, sizeBytes: number): Promise<boolean> {
  await connection.send(greeting());
  const flags = (await connection.take(4))?.readUInt32BE();
  if (flags === undefined) return false;
  if ((flags & FIXED_NEWSTYLE) === 0 || (flags & ~(FIXED_NEWSTYLE | NO_ZEROES)) !== 0) {
    throw malformed(`flags ${flags}`);
  }
  for (let count = 0; count < MAX_OPTIONS; count += 1) {
    const header = await connection.take(OPTION_HEADER_BYTES);
    if (header === undefined) return false;
    if (header.readBigUInt64BE() !== OPTION_MAGIC) throw malformed('an option without its magic number');
    const [option, length] = [header.readUInt32BE(8), header.readUInt32BE(12)];
    if (length > MAX_OPTION_BYTES) throw malformed(`option ${option} with ${length} bytes`);
    const data: Buffer | undefined = length === 0 ? Buffer.alloc(0) : await connection.take(length);
    if (data === undefined) return false;
    if (option === Option.EXPORT_NAME) {
      if (length > 0) throw malformed('a name of an export that there is not');
      await connection.send(exportAnswer(sizeBytes, (flags & NO_ZEROES) === 0));
      return true;
    }
    const type = await answer(connection, option, data, sizeBytes);
    if (option === Option.GO && type === OptionReply.ACK) return true;
    if (option === Option.ABORT) return false;
  }
  throw malformed(`more than ${MAX_OPTIONS} options`);
}

/** Answers any option but EXPORT_NAME; what the last word was. */
async function answer(
  connection: Connection,
  option: number,
  data: Buffer,
  sizeBytes: number,
): Promise<number> {
  const { type, info } = decide(option, data, sizeBytes);
  await connection.send(
    ...info.map((bytes) => {
      const infoType = option === Option.LIST ? OptionReply.SERVER : OptionReply.INFO;
      return optionReply(option, infoType, bytes);
    }),
    optionReply(option, type),
  );
  return type;
}

function decide(
  option: number,
  data: Buffer,
  sizeBytes: number,
): { readonly type: number; readonly info: readonly Buffer[] } {
  switch (option) {
    case Option.ABORT:
      return { type: OptionReply.ACK, info: [] };
    case Option.LIST:
      if (data.length > 0) return { type: OptionReply.ERR_INVALID, info: [] };
      // An empty name: four bytes of its length.
      return { type: OptionReply.ACK, info: [Buffer.alloc(4)] };
    case Option.INFO:
    case Option.GO: {
      const name = nameIn(data);
      if (name === undefined) return { type: OptionReply.ERR_INVALID, info: [] };
      if (name.length > 0) return { type: OptionReply.ERR_UNKNOWN, info: [] };
      return { type: OptionReply.ACK, info: [exportInfo(sizeBytes), blockSizeInfo()] };
    }
    default:
      // Structured replies, TLS, metadata contexts: clients do without.
      return { type: OptionReply.ERR_UNSUP, info: [] };
  }
}

/** The name in INFO and GO: its length, itself, the number of things asked for, and these. Undefined when amiss. */
function nameIn(data: Buffer): Buffer | undefined {
  if (data.length < 6) return undefined;
  const nameBytes = data.readUInt32BE(0);
  if (nameBytes > data.length - 6) return undefined;
  const asked = data.readUInt16BE(4 + nameBytes);
  return data.length === 6 + nameBytes + 2 * asked ? data.subarray(4, 4 + nameBytes) : undefined;
}

function malformed(what: string): Refusal {
  return new Refusal('INVALID', `the NBD client does not keep to the protocol: ${what}`);
}
