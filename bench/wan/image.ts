import { writeImageFile } from '../common/image-file.ts';
import { BLOCK_BYTES } from '../common/image-plan.ts';

/** Blocks of different images never have a number in common, so none is like another. */
const BLOCKS_PER_IMAGE = 2 ** 20;

export interface WanImage {
  /** Another number, other bytes; below 4096. */
  readonly number: number;
  /** A multiple of 64 KiB. All of it is data. */
  readonly sizeBytes: number;
  /** About 2.5:1; otherwise not at all. */
  readonly isCompressible: boolean;
}

/** Writes it as a raw file, which must not be there yet. */
export async function writeWanImage(path: string, image: WanImage, signal: AbortSignal): Promise<void> {
  const { number, sizeBytes, isCompressible } = image;
  const blocks = Array.from({ length: sizeBytes / BLOCK_BYTES }, (_, index) => ({
    id: number * BLOCKS_PER_IMAGE + index,
    isCompressible,
  }));
  await writeImageFile(path, { sizeBytes, dataBytes: sizeBytes, extents: [{ offset: 0, blocks }] }, signal);
}
