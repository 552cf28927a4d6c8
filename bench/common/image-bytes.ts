import { createCipheriv } from 'node:crypto';
import { BLOCK_BYTES, type Block } from './image-plan.ts';

const KEY = Buffer.alloc(16, 'entrepot bench');
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** The smaller ones often, as letters in a text: about five bits of surprise in each. */
const ALPHABET = Uint8Array.from({ length: 256 }, (_, i) => 32 + Math.floor(96 * (i / 256) ** 2));
/** Found by trying: with these zstd gets 2.5:1 at its levels 1 and 3, gzip as much. */
const SHORTEST_LITERAL = 4;
const LITERAL_SPREAD = 32;
const SHORTEST_REPEAT = 21;
const REPEAT_SPREAD = 21;

/** The bytes of a block, always the same ones. */
export function blockBytes({ id, isCompressible }: Block): Buffer {
  return isCompressible ? repetitive(noise(id)) : noise(id);
}

/** A cipher's key stream: nothing compresses it, and it comes at a gigabyte a second. */
function noise(id: number): Buffer {
  const start = Buffer.alloc(16);
  start.writeUInt32BE(id);
  return createCipheriv('aes-128-ctr', KEY, start).update(ZEROS);
}

/** Letters, then something that stood before, and so on, by the choice of `random`. */
function repetitive(random: Buffer): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  let used = 0;
  const choice = () => random[used++] ?? 0;
  for (let at = 0; at < BLOCK_BYTES; ) {
    const literalEnd = Math.min(BLOCK_BYTES, at + SHORTEST_LITERAL + (choice() % LITERAL_SPREAD));
    while (at < literalEnd) bytes[at++] = ALPHABET[choice()] ?? 0;
    const wanted = SHORTEST_REPEAT + (choice() % REPEAT_SPREAD);
    const back = 1 + ((choice() | (choice() << 8)) % at);
    const length = Math.min(BLOCK_BYTES - at, wanted, back);
    bytes.copyWithin(at, at - back, at - back + length);
    at += length;
  }
  return bytes;
}
