import { Refusal } from '../../domain/refusal.ts';

const BLOCK_BYTES = 4096;

/**
 * A limit on what the images of one pool take up on disk. Counted are allocated bytes, as
 * `du` counts them, so holes are free. A write is first counted in full, as if it fell
 * into a hole, and for what it really took once it is done: no write goes past the limit;
 * one that overwrites data may be refused when less than its own length is left.
 */
export class Quota {
  readonly limitBytes: number;
  readonly #allocatedBytes = new Map<string, number>();
  #reservedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get freeBytes(): number {
    let used = this.#reservedBytes;
    for (const bytes of this.#allocatedBytes.values()) used += bytes;
    return Math.max(0, this.limitBytes - used);
  }

  /** What the image takes up now. */
  record(imageId: string, allocatedBytes: number): void {
    this.#allocatedBytes.set(imageId, allocatedBytes);
  }

  forget(imageId: string): void {
    this.#allocatedBytes.delete(imageId);
  }

  /**
   * Room for a write, until the one who wrote has called `record` and then what is returned
   * here. NO_SPACE when there is none.
   */
  reserve(offset: number, length: number): () => void {
    const first = Math.floor(offset / BLOCK_BYTES);
    const bytes = (Math.ceil((offset + length) / BLOCK_BYTES) - first) * BLOCK_BYTES;
    if (bytes > this.freeBytes) {
      throw new Refusal('NO_SPACE', `the store's quota of ${this.limitBytes} bytes is used up`, {
        hint: 'remove an image, or raise the quota in the agent config',
      });
    }
    this.#reservedBytes += bytes;
    return () => {
      this.#reservedBytes -= bytes;
    };
  }
}
