import { setImmediate as turn } from 'node:timers/promises';
import { Refusal } from '../../../src/domain/refusal.ts';
import type {
  Extent,
  PartialImage,
  ReadableImage,
  Space,
  Store,
  StoredImage,
} from '../../../src/store/store.ts';
import { MemoryAdoption, type Stranger } from './memory-adoption.ts';

export const BLOCK_BYTES = 64 * 1024;

/** What a power failure leaves of a block that was not flushed: new, old, half of each, or bytes of neither. */
export type Survival = 'new' | 'old' | 'half' | 'garbage';

export interface Held {
  form: 'whole' | 'partial';
  readonly sizeBytes: number;
  /** Allocated blocks, BLOCK_BYTES each, by index. */
  readonly blocks: Map<number, Buffer>;
  /** Of the blocks written since the last flush, what is on disk. */
  readonly unflushed: Map<number, Unflushed>;
  /** Blocks that a flush which failed holds for written: the same of them. */
  readonly givenUp: Map<number, Unflushed>;
  readonly metadata: Map<string, string>;
  writer: object | undefined;
}

interface Unflushed {
  readonly onDisk: Buffer | undefined;
}

/**
 * A store in memory that keeps the contract of src/store/store.ts: sparse by block, full at
 * `capacityBytes`, and with `crash()`, which loses what was not flushed.
 */
export class MemoryStore implements Store {
  readonly driver = 'file';
  readonly images: Map<string, Held>;
  /** Image ids by the names of their clones. */
  readonly clones: Map<string, string>;
  /** Images of others, by `pool/name`. */
  readonly strangers: Map<string, Stranger>;
  readonly adoption = new MemoryAdoption(this);
  capacityBytes = Number.POSITIVE_INFINITY;

  /** With `before`: the same pool after a restart. */
  constructor(before?: MemoryStore) {
    this.images = before?.images ?? new Map();
    this.clones = before?.clones ?? new Map();
    this.strangers = before?.strangers ?? new Map();
  }

  async start(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async identity(): Promise<{ readonly fsid: string; readonly pool: string }> {
    return { fsid: '00000000-0000-4000-8000-000000000000', pool: 'images' };
  }

  async space(): Promise<Space | undefined> {
    return undefined;
  }

  async list(): Promise<StoredImage[]> {
    return [...this.images].map(([imageId, { form, sizeBytes }]) => ({ imageId, form, sizeBytes }));
  }

  async openPartial(imageId: string, sizeBytes: number): Promise<PartialImage> {
    await turn();
    this.#requireFreeName(imageId);
    const held = this.images.get(imageId);
    if (held?.form === 'whole') throw new Refusal('ALREADY_EXISTS', `${imageId} is whole`);
    const image = held?.sizeBytes === sizeBytes ? held : emptyImage(sizeBytes);
    this.images.set(imageId, image);
    image.writer = {};
    return new MemoryImage(image, this, image.writer);
  }

  async openWhole(imageId: string): Promise<ReadableImage> {
    await turn();
    const held = this.images.get(imageId);
    if (held?.form !== 'whole') throw new Refusal('NOT_FOUND', `${imageId} is not whole`);
    return this.reading(held);
  }

  reading(held: Held): ReadableImage {
    return new MemoryImage(held, this, undefined);
  }

  async publish(imageId: string): Promise<void> {
    await turn();
    this.#requireFreeName(imageId);
    const held = this.images.get(imageId);
    if (held === undefined) throw new Refusal('NOT_FOUND', `there is no ${imageId}`);
    if (held.writer !== undefined) throw new Refusal('INTERNAL', `${imageId} is open for writing`);
    held.form = 'whole';
    held.unflushed.clear();
  }

  async discard(imageId: string): Promise<void> {
    await turn();
    if (this.images.get(imageId)?.form === 'partial') this.images.delete(imageId);
  }

  async remove(imageId: string): Promise<void> {
    const clones = await this.children(imageId);
    if (clones.length > 0) throw new Refusal('IN_USE', `${imageId} has clones: ${clones.join(', ')}`);
    if (this.images.get(imageId)?.form === 'whole') this.images.delete(imageId);
  }

  async children(imageId: string): Promise<string[]> {
    return [...this.clones].filter(([, parent]) => parent === imageId).map(([name]) => name);
  }

  #requireFreeName(imageId: string): void {
    if (this.strangers.has(`images/${imageId}`))
      throw new Refusal('ALREADY_EXISTS', `${imageId} is another's`);
  }

  get usedBytes(): number {
    let blocks = 0;
    for (const { blocks: allocated } of this.images.values()) blocks += allocated.size;
    return blocks * BLOCK_BYTES;
  }

  /** The power fails: what was not flushed is what `survives` says, block by block. */
  crash(survives: () => Survival): void {
    for (const image of this.images.values()) {
      for (const [index, { onDisk }] of [...image.unflushed, ...image.givenUp]) {
        const left = leftOf(survives(), image.blocks.get(index), onDisk);
        if (left === undefined) image.blocks.delete(index);
        else image.blocks.set(index, left);
      }
      image.unflushed.clear();
      image.givenUp.clear();
      image.writer = undefined;
    }
  }

  /**
   * What a flush that fails does in Linux: what was not on disk is held for written, can be read, and no later
   * flush writes it, unless it is written anew.
   */
  giveUpUnflushed(): void {
    for (const image of this.images.values()) {
      for (const [index, { onDisk }] of image.unflushed) image.givenUp.set(index, { onDisk });
      image.unflushed.clear();
    }
  }

  /** Changes one byte of an image behind everybody's back. */
  damage(imageId: string, offset: number): void {
    const held = this.images.get(imageId);
    if (held === undefined) throw new Error(`no ${imageId} to damage`);
    const index = Math.floor(offset / BLOCK_BYTES);
    const block = Buffer.from(held.blocks.get(index) ?? Buffer.alloc(BLOCK_BYTES));
    block.writeUInt8(block.readUInt8(offset % BLOCK_BYTES) ^ 0x55, offset % BLOCK_BYTES);
    held.blocks.set(index, block);
  }

  /** All bytes of an image, for comparing; undefined when there is none. */
  bytesOf(imageId: string): Buffer | undefined {
    const held = this.images.get(imageId);
    if (held === undefined) return undefined;
    const bytes = Buffer.alloc(held.sizeBytes);
    for (const [index, block] of held.blocks) block.copy(bytes, index * BLOCK_BYTES);
    return bytes;
  }
}

class MemoryImage implements PartialImage {
  readonly sizeBytes: number;
  readonly #held: Held;
  readonly #store: MemoryStore;
  readonly #writer: object | undefined;
  #open = true;

  constructor(held: Held, store: MemoryStore, writer: object | undefined) {
    this.sizeBytes = held.sizeBytes;
    this.#held = held;
    this.#store = store;
    this.#writer = writer;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    this.#check(offset, target.length);
    await turn();
    for (const piece of pieces(offset, target.length)) {
      const into = target.subarray(piece.at, piece.at + piece.length);
      const block = this.#held.blocks.get(piece.block);
      if (block === undefined) into.fill(0);
      else into.set(block.subarray(piece.inBlock, piece.inBlock + piece.length));
    }
  }

  async extents(offset: number, length: number): Promise<Extent[]> {
    this.#check(offset, length);
    await turn();
    const found: { offset: number; length: number }[] = [];
    for (const piece of pieces(offset, length)) {
      if (!this.#held.blocks.has(piece.block)) continue;
      const last = found.at(-1);
      if (last !== undefined && last.offset + last.length === offset + piece.at) last.length += piece.length;
      else found.push({ offset: offset + piece.at, length: piece.length });
    }
    return found;
  }

  async metadata(key: string): Promise<string | undefined> {
    this.#check(0, 0);
    return this.#held.metadata.get(key);
  }

  async write(offset: number, source: Uint8Array): Promise<void> {
    this.#check(offset, source.length);
    await turn();
    this.#checkWriter();
    const { blocks, unflushed, givenUp } = this.#held;
    for (const piece of pieces(offset, source.length)) {
      const before = blocks.get(piece.block);
      if (before === undefined && this.#store.usedBytes >= this.#store.capacityBytes) {
        throw new Refusal('NO_SPACE', 'the memory store is full');
      }
      const known = unflushed.get(piece.block) ?? givenUp.get(piece.block);
      // A new object each time: a flush that is under way sees by it that the block was written again.
      unflushed.set(piece.block, { onDisk: known === undefined ? before : known.onDisk });
      givenUp.delete(piece.block);
      const block = Buffer.from(before ?? Buffer.alloc(BLOCK_BYTES));
      block.set(source.subarray(piece.at, piece.at + piece.length), piece.inBlock);
      blocks.set(piece.block, block);
    }
  }

  async clear(offset: number, length: number): Promise<void> {
    this.#check(offset, length);
    await turn();
    this.#checkWriter();
    const { blocks, unflushed, givenUp } = this.#held;
    for (const piece of pieces(offset, length)) {
      const before = blocks.get(piece.block);
      const known = unflushed.get(piece.block) ?? givenUp.get(piece.block);
      if (before === undefined && known === undefined) continue;
      unflushed.set(piece.block, { onDisk: known === undefined ? before : known.onDisk });
      givenUp.delete(piece.block);
      if (before === undefined) continue;
      const isWhole =
        piece.inBlock === 0 && piece.length === Math.min(BLOCK_BYTES, this.sizeBytes - offset - piece.at);
      if (isWhole) blocks.delete(piece.block);
      else blocks.set(piece.block, Buffer.from(before).fill(0, piece.inBlock, piece.inBlock + piece.length));
    }
  }

  async flush(): Promise<void> {
    this.#checkWriter();
    // Only what had settled when flush was called is promised to be on disk.
    const { blocks, unflushed } = this.#held;
    const settled = [...unflushed].map(([index, entry]) => ({ index, entry, block: blocks.get(index) }));
    await turn();
    for (const { index, entry, block } of settled) {
      const now = unflushed.get(index);
      if (now === entry) unflushed.delete(index);
      else if (now !== undefined) unflushed.set(index, { onDisk: block });
    }
  }

  async setMetadata(key: string, value: string): Promise<void> {
    await turn();
    this.#checkWriter();
    if (value.length > 64 * 1024) throw new Refusal('INVALID', `${key} is too long`);
    this.#held.metadata.set(key, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    if (this.#held.writer === this.#writer) this.#held.writer = undefined;
  }

  #check(offset: number, length: number): void {
    if (!this.#open) throw new Refusal('INTERNAL', 'the image is closed');
    if (offset < 0 || offset + length > this.sizeBytes) throw new Refusal('INVALID', 'outside the image');
  }

  #checkWriter(): void {
    this.#check(0, 0);
    if (this.#writer === undefined || this.#held.writer !== this.#writer) {
      throw new Refusal('INTERNAL', 'somebody else writes this image');
    }
  }
}

export function emptyImage(sizeBytes: number): Held {
  return {
    form: 'partial',
    sizeBytes,
    blocks: new Map(),
    unflushed: new Map(),
    givenUp: new Map(),
    metadata: new Map(),
    writer: undefined,
  };
}

/** `block`: undefined when it was cleared. */
function leftOf(
  survival: Survival,
  block: Buffer | undefined,
  onDisk: Buffer | undefined,
): Buffer | undefined {
  switch (survival) {
    case 'new':
      return block;
    case 'old':
      return onDisk;
    case 'half':
      return Buffer.concat([
        (block ?? Buffer.alloc(BLOCK_BYTES)).subarray(0, BLOCK_BYTES / 2),
        (onDisk ?? Buffer.alloc(BLOCK_BYTES)).subarray(BLOCK_BYTES / 2),
      ]);
    case 'garbage':
      return Buffer.alloc(BLOCK_BYTES, 0xee);
  }
}

function* pieces(offset: number, length: number) {
  for (let at = 0; at < length; ) {
    const block = Math.floor((offset + at) / BLOCK_BYTES);
    const inBlock = (offset + at) % BLOCK_BYTES;
    const pieceLength = Math.min(BLOCK_BYTES - inBlock, length - at);
    yield { at, block, inBlock, length: pieceLength };
    at += pieceLength;
  }
}
