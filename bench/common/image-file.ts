import { open } from 'node:fs/promises';
import { blockBytes } from './image-bytes.ts';
import { BLOCK_BYTES, type ImagePlan } from './image-plan.ts';

const BLOCKS_PER_WRITE = 16;

/** Writes the image as a sparse raw file. */
export async function writeImageFile(path: string, plan: ImagePlan, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.truncate(plan.sizeBytes);
  for (const { offset, blocks } of plan.extents) {
    for (let first = 0; first < blocks.length; first += BLOCKS_PER_WRITE) {
      signal.throwIfAborted();
      const piece = Buffer.concat(blocks.slice(first, first + BLOCKS_PER_WRITE).map(blockBytes));
      await file.write(piece, 0, piece.length, offset + first * BLOCK_BYTES);
    }
  }
}
