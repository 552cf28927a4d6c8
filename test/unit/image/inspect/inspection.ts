import { Inspector } from '../../../../src/image/inspect/inspector.ts';
import type { InspectionLimits, Verdict } from '../../../../src/image/inspect/verdict.ts';

export const LIMITS: InspectionLimits = { maxVirtualSizeBytes: 2 ** 40 };

/** The pieces that streams come in, by their length in bytes. */
export const PIECES = [1, 511, 65_536, Number.POSITIVE_INFINITY];

/** The verdict on a file that comes in pieces of so many bytes, through a buffer that is used again. */
export function inspect(
  file: Uint8Array,
  limits: Partial<InspectionLimits> = {},
  pieceBytes = Number.POSITIVE_INFINITY,
): Verdict {
  const inspector = new Inspector({ ...LIMITS, ...limits });
  const buffer = Buffer.alloc(Math.min(pieceBytes, file.length));
  for (let offset = 0; offset < file.length; offset += pieceBytes) {
    const piece = file.subarray(offset, offset + pieceBytes);
    buffer.set(piece);
    inspector.write(buffer.subarray(0, piece.length));
    buffer.fill(0x43, 0, piece.length);
  }
  return inspector.end();
}
