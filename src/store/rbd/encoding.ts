/** Ceph's encoding of what the class `rbd` takes and gives: little endian, strings and sets with a 32-bit count. */

/** The snapshot number that means the head of an image. */
export const HEAD = 0xffff_ffff_ffff_fffen;

export function encodedString(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

export function encodedInt64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return buffer;
}

/** Reads one value after the other. */
export class Decoder {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  uint8(): number {
    return this.#data.readUInt8(this.#skip(1));
  }

  uint32(): number {
    return this.#data.readUInt32LE(this.#skip(4));
  }

  /** Sizes and ids, all far below 2^53. */
  int64(): number {
    return Number(this.#data.readBigInt64LE(this.#skip(8)));
  }

  string(): string {
    const length = this.uint32();
    const start = this.#skip(length);
    return this.#data.toString('utf8', start, start + length);
  }

  list<T>(element: () => T): T[] {
    return Array.from({ length: this.uint32() }, element);
  }

  /** A structure with version and length: fields of later versions, at its end, are left out. */
  struct<T>(fields: () => T): T {
    this.#skip(2);
    const length = this.uint32();
    const end = this.#at + length;
    const value = fields();
    this.#at = end;
    return value;
  }

  #skip(bytes: number): number {
    const start = this.#at;
    this.#at += bytes;
    return start;
  }
}
