import { BLOCK_BYTES, frameMemory } from '../transfer/frame-memory.ts';

/** Whether the message is compressed, and its length. */
const PREFIX_BYTES = 5;

/** From here on a message is put together in a block. */
const SMALLEST_BLOCK_MESSAGE = BLOCK_BYTES / 4;

/**
 * Puts gRPC's messages together, in place of grpc-js's StreamDecoder, whose interface it has. That one keeps
 * the pieces, 16 KiB each, until a message is complete, and then copies them into memory of its own. Here they
 * are copied as they come, into memory that is used again: whoever is done with a message may give it back.
 */
export class MessageDecoder {
  readonly #limitBytes: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  /** With its prefix; undefined until that is complete. */
  #message: Buffer | undefined;
  #filled = 0;

  /** @param limitBytes of a message, without its prefix; -1: none */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The messages, prefix included, that `piece` completes. Throws an Error when one is larger than the limit. */
  write(piece: Buffer): Buffer[] {
    const complete: Buffer[] = [];
    for (let at = 0; at < piece.length; ) {
      const message = this.#message ?? this.#prefix;
      const filled = this.#message === undefined ? this.#prefixFilled : this.#filled;
      const taken = piece.copy(message, filled, at);
      at += taken;
      if (this.#message !== undefined) this.#filled += taken;
      else {
        this.#prefixFilled += taken;
        if (this.#prefixFilled === PREFIX_BYTES) this.#begin();
      }
      if (this.#message !== undefined && this.#filled === this.#message.length) {
        complete.push(this.#message);
        this.#message = undefined;
        this.#prefixFilled = 0;
      }
    }
    return complete;
  }

  #begin(): void {
    const length = this.#prefix.readUInt32BE(1);
    if (this.#limitBytes !== -1 && length > this.#limitBytes) {
      throw new Error(`Received message larger than max (${length} vs ${this.#limitBytes})`);
    }
    const framed = PREFIX_BYTES + length;
    const inBlock = framed >= SMALLEST_BLOCK_MESSAGE && framed <= BLOCK_BYTES;
    this.#message = inBlock ? frameMemory.take().subarray(0, framed) : Buffer.allocUnsafe(framed);
    this.#prefix.copy(this.#message);
    this.#filled = PREFIX_BYTES;
  }
}
