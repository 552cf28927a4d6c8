import { FRAME_BYTES } from './frames.ts';
import { nonzeroExtents } from './zeros.ts';
import { GIVES_WAY, pack } from './zstd.ts';

/** What one frame carries. */
export interface Piece {
  /** Byte offset in the image. */
  readonly offset: number;
  readonly payload: Uint8Array;
  /** When `payload` is packed. */
  readonly unpackedBytes?: number;
}

/** Packed at a time, each on a thread. */
const AT_ONCE = 2;

/** A chunk without its zero blocks, in views of at most FRAME_BYTES. */
export function piecesOf(offset: number, bytes: Buffer): Piece[] {
  return nonzeroExtents(bytes, FRAME_BYTES).map((extent) => ({
    offset: offset + extent.offset,
    payload: bytes.subarray(extent.offset, extent.offset + extent.length),
  }));
}

/** Of the image, whether packed or not. */
export function plainBytesOf({ payload, unpackedBytes }: Piece): number {
  return unpackedBytes ?? payload.length;
}

/** The pieces of a chunk, packed as far as they give way; undefined when all together do not. */
export async function packedPieces(pieces: readonly Piece[]): Promise<Piece[] | undefined> {
  const packed: Piece[] = [];
  for (let first = 0; first < pieces.length; first += AT_ONCE) {
    packed.push(...(await Promise.all(pieces.slice(first, first + AT_ONCE).map(packedPiece))));
    // What begins like this seldom ends otherwise.
    if (packed.every(({ unpackedBytes }) => unpackedBytes === undefined)) return undefined;
  }
  const before = packed.reduce((sum, piece) => sum + plainBytesOf(piece), 0);
  const after = packed.reduce((sum, { payload }) => sum + payload.length, 0);
  return after <= before * GIVES_WAY ? packed : undefined;
}

async function packedPiece(piece: Piece): Promise<Piece> {
  const { offset, payload } = piece;
  const packed = await pack(payload);
  return packed === undefined ? piece : { offset, payload: packed, unpackedBytes: payload.length };
}
