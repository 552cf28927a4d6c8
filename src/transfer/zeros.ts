import type { Extent } from '../store/store.ts';

/**
 * Zeros are looked for in blocks of this size: smaller ones cost more frames and writes
 * than they save bytes, and rbd and file systems allocate in steps of about this size.
 */
export const ZERO_BLOCK_BYTES = 64 * 1024;

const ZERO_BLOCK = Buffer.alloc(ZERO_BLOCK_BYTES);

export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZERO_BLOCK_BYTES) {
    if (!isZeroBlock(bytes, at)) return false;
  }
  return true;
}

/** What is left of `bytes` without its zero blocks: rising ranges, none longer than `maxLength` (a multiple of a block). */
export function nonzeroExtents(bytes: Buffer, maxLength = Number.POSITIVE_INFINITY): Extent[] {
  const extents: Extent[] = [];
  let start: number | undefined;
  for (let at = 0; at < bytes.length; at += ZERO_BLOCK_BYTES) {
    const zero = isZeroBlock(bytes, at);
    if (start !== undefined && (zero || at - start >= maxLength)) {
      extents.push({ offset: start, length: at - start });
      start = undefined;
    }
    if (!zero) start ??= at;
  }
  if (start !== undefined) extents.push({ offset: start, length: bytes.length - start });
  return extents;
}

function isZeroBlock(bytes: Buffer, at: number): boolean {
  const length = Math.min(ZERO_BLOCK_BYTES, bytes.length - at);
  // The first bytes tell for nearly all data, without a call into native code.
  if (bytes[at] !== 0 || bytes[at + length - 1] !== 0) return false;
  return bytes.compare(ZERO_BLOCK, 0, length, at, at + length) === 0;
}
