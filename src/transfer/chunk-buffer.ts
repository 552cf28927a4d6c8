import { CHUNK_BYTES, chunkLength } from '../domain/chunk.ts';
import { Refusal } from '../domain/refusal.ts';
import { FRAME_BYTES, type Frame } from './frames.ts';
import type { Slab } from './slab.ts';

/** One chunk being put together from its frames, in a slab. What no frame covers is zero. */
export class ChunkBuffer {
  readonly chunk: number;
  readonly slab: Slab;
  /** Byte offset of the chunk in the image. */
  readonly offset: number;
  /** The chunk's bytes: complete after the last frame. */
  readonly bytes: Buffer;
  #filled = 0;

  constructor(chunk: number, sizeBytes: number, slab: Slab) {
    this.chunk = chunk;
    this.slab = slab;
    this.offset = chunk * CHUNK_BYTES;
    this.bytes = slab.subarray(0, chunkLength(chunk, sizeBytes));
  }

  /**
   * Returns whether the chunk is complete. INVALID for a frame that is not this chunk's,
   * overlaps an earlier one, is too large, or carries nothing.
   */
  add({ offset, data, last }: Frame): boolean {
    const start = offset - this.offset;
    const end = start + data.length;
    if (data.length > FRAME_BYTES) throw this.#invalid(offset, data, `is larger than ${FRAME_BYTES} bytes`);
    // An empty last frame may lie at the very end.
    const reach = data.length === 0 ? this.bytes.length : this.bytes.length - 1;
    if (!Number.isSafeInteger(start) || start < 0 || start > reach)
      throw this.#invalid(offset, data, 'is not part of it');
    if (end > this.bytes.length) throw this.#invalid(offset, data, 'goes beyond its end');
    if (start < this.#filled) throw this.#invalid(offset, data, 'comes after what follows it');
    if (data.length === 0 && !last) throw this.#invalid(offset, data, 'carries nothing and ends nothing');
    this.bytes.fill(0, this.#filled, start);
    this.bytes.set(data, start);
    this.#filled = end;
    if (last) this.bytes.fill(0, end);
    return last;
  }

  #invalid(offset: number, data: Uint8Array, why: string): Refusal {
    const frame = `the frame of ${data.length} bytes at ${offset}`;
    return new Refusal('INVALID', `chunk ${this.chunk} was being received and ${frame} ${why}`);
  }
}
