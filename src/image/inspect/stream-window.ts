import { HEAD_BYTES, MAX_FAR_BYTES, TAIL_BYTES } from './probe.ts';

const FIRST_HEAD_BYTES = 4096;

/** The tail is collected in a buffer of this length, so that short pieces are not all moved each time. */
const TAIL_BUFFER_BYTES = 4 * TAIL_BYTES;

/** What an inspector holds of a file, however long it is. */
export const MAX_KEPT_BYTES = HEAD_BYTES + MAX_FAR_BYTES + TAIL_BUFFER_BYTES;

const NOTHING = Buffer.alloc(0);

/** The parts of a stream that are kept: its first bytes, one range behind them, and its last bytes. */
export class StreamWindow {
  #sizeBytes = 0;
  #head = NOTHING;
  #far = NOTHING;
  #farOffset = 0;
  #tail = NOTHING;
  #tailBytes = 0;

  /** Bytes that came so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The first HEAD_BYTES of what came. */
  get head(): Buffer {
    return this.#head.subarray(0, Math.min(this.#sizeBytes, HEAD_BYTES));
  }

  get isHeadFull(): boolean {
    return this.#sizeBytes >= HEAD_BYTES;
  }

  /** What came of the range that was asked for. */
  get far(): Buffer {
    return this.#far.subarray(0, Math.max(0, this.#sizeBytes - this.#farOffset));
  }

  get isFarFull(): boolean {
    return this.#sizeBytes >= this.#farOffset + this.#far.length;
  }

  /** The last TAIL_BYTES of what came. */
  get tail(): Buffer {
    return this.#tail.subarray(Math.max(0, this.#tailBytes - TAIL_BYTES), this.#tailBytes);
  }

  get keptBytes(): number {
    return this.#head.length + this.#far.length + this.#tail.length;
  }

  /** Asks for a range that is still to come, behind the head. Once. */
  keep(offset: number, lengthBytes: number): void {
    this.#farOffset = offset;
    this.#far = Buffer.alloc(lengthBytes);
  }

  /** Takes bytes up to where the head, or the range asked for, is full: how many. */
  take(bytes: Uint8Array): number {
    const farEnd = this.isFarFull ? Number.POSITIVE_INFINITY : this.#farOffset + this.#far.length;
    const stop = this.isHeadFull ? farEnd : HEAD_BYTES;
    const taken = bytes.subarray(0, stop - this.#sizeBytes);
    if (!this.isHeadFull) this.#takeHead(taken);
    this.#takeFar(taken);
    this.#takeTail(taken);
    this.#sizeBytes += taken.length;
    return taken.length;
  }

  #takeHead(bytes: Uint8Array): void {
    const needed = this.#sizeBytes + bytes.length;
    if (needed > this.#head.length) {
      const grown = Buffer.alloc(Math.min(HEAD_BYTES, Math.max(FIRST_HEAD_BYTES, 2 * needed)));
      this.#head.copy(grown);
      this.#head = grown;
    }
    this.#head.set(bytes, this.#sizeBytes);
  }

  #takeFar(bytes: Uint8Array): void {
    if (this.isFarFull || this.#sizeBytes + bytes.length <= this.#farOffset) return;
    const skipped = Math.max(0, this.#farOffset - this.#sizeBytes);
    this.#far.set(bytes.subarray(skipped), Math.max(0, this.#sizeBytes - this.#farOffset));
  }

  #takeTail(bytes: Uint8Array): void {
    if (this.#tail.length === 0) this.#tail = Buffer.alloc(TAIL_BUFFER_BYTES);
    const last = bytes.subarray(-TAIL_BYTES);
    if (this.#tailBytes + last.length > this.#tail.length) {
      this.#tail.copyWithin(0, this.#tailBytes - TAIL_BYTES, this.#tailBytes);
      this.#tailBytes = TAIL_BYTES;
    }
    this.#tail.set(last, this.#tailBytes);
    this.#tailBytes += last.length;
  }
}
