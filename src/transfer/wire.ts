import { Refusal } from '../domain/refusal.ts';

/** What a uint64 takes at most. */
const VARINT_MAX_BYTES = 10;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes of `value`, a safe non-negative integer. */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

/**
 * Reads one protobuf message that nobody vouches for. Every step moves forward or
 * throws INVALID naming `what`; nothing is read beyond the end.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #position = 0;

  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  hasMore(): boolean {
    return this.#position < this.#bytes.length;
  }

  tag(): number {
    const tag = this.uint(0xffff_ffff);
    if (tag < 8) throw this.#invalid('has a field number 0');
    return tag;
  }

  /** An unsigned number of at most `max`, itself at most 2^53 - 1. */
  uint(max: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_MAX_BYTES; count++) {
      const byte = this.#byte();
      // Exact up to 2^53; past it the sum only has to stay above `max`, which it does.
      value += (byte & 0x7f) * scale;
      if (value > max) throw this.#invalid(`holds a number above ${max}`);
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.#invalid('holds a number of more than 10 bytes');
  }

  bool(): boolean {
    return this.#varint();
  }

  /** A view of the message's own bytes. */
  bytes(): Buffer {
    const length = this.uint(Number.MAX_SAFE_INTEGER);
    if (length > this.#bytes.length - this.#position) throw this.#invalid('ends before its last field');
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }

  text(): string {
    try {
      return UTF8.decode(this.bytes());
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw this.#invalid('holds text that is not UTF-8');
    }
  }

  /**
   * Steps over a field a later version added. A field numbered 1 to `knownFields` gets here
   * only with a wire type that is not its own, which no version sends.
   */
  skip(tag: number, knownFields: number): void {
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (field <= knownFields) throw this.#invalid(`has field ${field} with wire type ${wireType}`);
    if (wireType === 0) this.#varint();
    else if (wireType === 1) this.#forward(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#forward(4);
    else throw this.#invalid(`has field ${field} with wire type ${wireType}`);
  }

  /** Whether any bit of a varint of any size is set. */
  #varint(): boolean {
    let bits = 0;
    for (let count = 0; count < VARINT_MAX_BYTES; count++) {
      const byte = this.#byte();
      bits |= byte & 0x7f;
      if (byte < 0x80) return bits !== 0;
    }
    throw this.#invalid('holds a number of more than 10 bytes');
  }

  #forward(length: number): void {
    if (length > this.#bytes.length - this.#position) throw this.#invalid('ends before its last field');
    this.#position += length;
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw this.#invalid('ends before its last field');
    this.#position++;
    return byte;
  }

  #invalid(why: string): Refusal {
    return new Refusal('INVALID', `a ${this.#what} on the wire ${why}`, {
      hint: 'do both sides run versions of entrepot that go together?',
    });
  }
}
