import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const MIB = 1024 * 1024;

/**
 * Writes a sparse raw image: `dataBytes` of bytes that do not compress, in extents of 4 to 20 MiB,
 * spread over `sizeBytes`. The same arguments give the same image.
 */
export async function writeSampleImage(
  path: string,
  { sizeBytes, dataBytes, seed = 'entrepot' }: { sizeBytes: number; dataBytes: number; seed?: string },
): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  await file.truncate(sizeBytes);
  const extents = extentsOf(sizeBytes, dataBytes);
  for (const [index, { offset, length }] of extents.entries()) {
    await file.write(noise(`${seed} ${index}`, length), 0, length, offset);
  }
}

/** Writes a raw image of `sizeBytes` without holes, that packs to about a third as programs and documents do. */
export async function writeWords(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  for (let at = 0, part = 0; at < sizeBytes; part++) {
    const bytes = noise(`words ${part}`, MIB);
    // Of eight bits two say something.
    for (let index = 0; index < bytes.length; index++) bytes[index] = 0x41 + ((bytes[index] ?? 0) & 0x03);
    const { bytesWritten } = await file.write(bytes, 0, Math.min(MIB, sizeBytes - at), at);
    at += bytesWritten;
  }
}

function extentsOf(sizeBytes: number, dataBytes: number): { offset: number; length: number }[] {
  const extents: { offset: number; length: number }[] = [];
  for (let left = dataBytes, n = 0; left > 0; n++) {
    const length = Math.min(left, (4 + ((n * 5) % 17)) * MIB);
    extents.push({ offset: 0, length });
    left -= length;
  }
  const gap = Math.floor((sizeBytes - dataBytes) / Math.max(1, extents.length));
  // Not on chunk boundaries: real partitions are not, either.
  let at = 0;
  return extents.map(({ length }) => {
    const offset = at;
    at += length + gap;
    return { offset, length };
  });
}

/** Bytes that look random, the same for the same seed. */
function noise(seed: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0) | 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    // xorshift32 (Marsaglia): fast, and zstd finds nothing in it.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, at);
  }
  return bytes;
}
