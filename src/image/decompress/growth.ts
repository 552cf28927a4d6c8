import { Refusal } from '../../domain/refusal.ts';

/** How far a file may grow by being unpacked. */
export interface GrowthLimits {
  /** What it may unpack to at most, in bytes. */
  readonly maxBytes: number;
  /** What it may unpack to, as so many times what was read of it. Default: DEFAULT_MAX_RATIO. */
  readonly maxRatio?: number | undefined;
}

/**
 * gzip makes nothing but zeros 1030 times smaller, and a disk with a system on it, at 5 parts in 100 of its size, some
 * 50 times.
 */
export const DEFAULT_MAX_RATIO = 1000;

/** So much may be unpacked whatever the ratio: a disk may well begin with zeros. */
export const FREE_BYTES = 64 * 1024 ** 2;

/** What was read and written of a file that is being unpacked, held to its limits. */
export class Growth {
  readonly #maxBytes: number;
  readonly #maxRatio: number;
  readBytes = 0;
  writtenBytes = 0;

  constructor({ maxBytes, maxRatio = DEFAULT_MAX_RATIO }: GrowthLimits) {
    this.#maxBytes = maxBytes;
    this.#maxRatio = maxRatio;
  }

  /** Counts bytes about to be written. INVALID when they are too many. */
  add(bytes: number): void {
    const writtenBytes = this.writtenBytes + bytes;
    if (writtenBytes > this.#maxBytes) {
      throw new Refusal('INVALID', `it unpacks to more than the ${this.#maxBytes} bytes allowed`, {
        hint: 'shrink the disk in it, or raise imports.max_virtual_size_bytes in the configuration of the agent',
      });
    }
    if (writtenBytes > FREE_BYTES && writtenBytes > this.#maxRatio * this.readBytes) {
      throw new Refusal('INVALID', `it unpacks to more than ${this.#maxRatio} times its size`, {
        hint: 'unpack it yourself and import what was in it, or raise imports.max_decompression_ratio',
      });
    }
    this.writtenBytes = writtenBytes;
  }
}
