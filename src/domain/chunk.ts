/** The unit of reading, hashing, sending and resuming. Also the usual size of an RBD object. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

/** Number of chunks of an image, the last one possibly short. */
export function chunkCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / CHUNK_BYTES);
}

/** Length of chunk `index` of an image of `sizeBytes`. */
export function chunkLength(index: number, sizeBytes: number): number {
  return Math.min(CHUNK_BYTES, sizeBytes - index * CHUNK_BYTES);
}
