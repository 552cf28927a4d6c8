import { FRAME_BYTES } from './frames.ts';

/** In front of a frame's payload: its header, and what gRPC puts before a message. */
export const FRAME_HEADROOM = 32;

/** A frame with all that goes before it, sent or received. */
export const BLOCK_BYTES = FRAME_HEADROOM + FRAME_BYTES;

/** Kept for the next frame when nobody uses them: what a transfer has on its way. */
const MAX_IDLE = 8;

/**
 * Memory for the frames of all transfers, used again and again. A new MiB for each frame would have V8 mark
 * its whole heap every 32 frames, as that much has been allocated outside of it: more work than all the rest.
 *
 * Giving a block back is an offer, not a duty: one that is not given back is freed as any memory. So
 * only who knows that nobody reads it any more gives it back, and a call that broke gives back nothing.
 */
export class FrameMemory {
  readonly #idle: ArrayBuffer[] = [];
  /** Taken, not given back. */
  readonly #taken = new WeakSet<ArrayBufferLike>();

  /** BLOCK_BYTES with anything in them. */
  take(): Buffer<ArrayBuffer> {
    const block = this.#idle.pop() ?? new ArrayBuffer(BLOCK_BYTES);
    this.#taken.add(block);
    return Buffer.from(block);
  }

  /** Whether these bytes lie in a block: then its other bytes belong to the same frame. */
  owns({ buffer }: Uint8Array): boolean {
    return this.#taken.has(buffer);
  }

  /** The block that `bytes` are part of, if they are, may be overwritten from here on. Once per block. */
  giveBack({ buffer }: Uint8Array): void {
    if (this.#taken.delete(buffer) && this.#idle.length < MAX_IDLE) this.#idle.push(buffer as ArrayBuffer);
  }
}

/** One for the process: frames go from transfer to transfer, and their number is bounded by those. */
export const frameMemory = new FrameMemory();
