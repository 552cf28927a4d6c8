import { CHUNK_BYTES } from '../../domain/chunk.ts';
import type { NbdSink } from '../../nbd/transmission.ts';
import type { PartialImage } from '../../store/store.ts';

/**
 * Writes what qemu-img says into a partial image that is empty at first. Small writes that follow on each other, as
 * of a packed VMDK, become one of a chunk: a store is asked seldom for much, rather than often for little. It holds a
 * chunk; calls are worked off one after the other.
 */
export class PartialSink implements NbdSink {
  readonly #image: PartialImage;
  readonly #held = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** Where what is held belongs. */
  #offset = 0;
  #heldBytes = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(image: PartialImage) {
    this.#image = image;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeHeld();
      await this.#image.read(offset, target);
    });
  }

  write(offset: number, bytes: Buffer): Promise<void> {
    return this.#inTurn(() => this.#take(offset, bytes));
  }

  async #take(offset: number, bytes: Buffer): Promise<void> {
    const followsOn = offset === this.#offset + this.#heldBytes;
    const fits = this.#heldBytes + bytes.length <= this.#held.length;
    if (!followsOn || !fits) await this.#writeHeld();
    if (bytes.length >= this.#held.length) {
      await this.#image.write(offset, bytes);
      return;
    }
    if (this.#heldBytes === 0) this.#offset = offset;
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes += bytes.length;
    // Chunks of the image, not of whatever came first.
    if ((this.#offset + this.#heldBytes) % CHUNK_BYTES === 0) await this.#writeHeld();
  }

  /** Nothing was there before. */
  async zero(): Promise<void> {}

  flush(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeHeld();
      await this.#image.flush();
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn;
    // Who asked is told; what failed once fails every call from then on.
    turn.catch(() => {});
    return turn;
  }

  async #writeHeld(): Promise<void> {
    if (this.#heldBytes === 0) return;
    const bytes = this.#held.subarray(0, this.#heldBytes);
    await this.#image.write(this.#offset, bytes);
    this.#heldBytes = 0;
  }
}
